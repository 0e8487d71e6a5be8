import { $, type DefinePlugin, definePluginConfig } from '@hey-api/openapi-ts';

type Config = { name: 'operations' };
type Operations = DefinePlugin<Config, Config>;

/** The types of one operation that the TypeScript plugin has made before. */
const typeOf = (plugin: Operations['Instance'], resourceId: string, role: 'data' | 'responses') => {
  const symbol = plugin.querySymbol({ artifact: 'types', category: 'type', resource: 'operation', resourceId, role });
  if (!symbol) throw new Error(`Operation ${resourceId} has no type for its ${role}.`);
  return $.type(symbol);
};

const handler: Operations['Handler'] = ({ plugin }) => {
  const byTag = new Map<string, string[]>();
  plugin.forEach('operation', ({ operation }) => {
    const tag = operation.tags?.[0] ?? 'default';
    byTag.set(tag, [...(byTag.get(tag) ?? []), operation.id]);
  });
  const operations = $.type.object();
  for (const [tag, ids] of [...byTag].sort()) {
    const table = $.type.object();
    for (const id of ids.sort()) {
      const entry = $.type
        .object()
        .prop('data', (prop) => prop.type(typeOf(plugin, id, 'data')))
        .prop('responses', (prop) => prop.type(typeOf(plugin, id, 'responses')));
      table.prop(id, (prop) => prop.type(entry));
    }
    operations.prop(tag, (prop) => prop.type(table));
  }
  plugin.node($.type.alias(plugin.symbol('Operations')).export().type(operations));
};

/** Writes `operations.gen.ts`: tag -> operationId -> { data, responses }, from which handlers take their types. */
export const operationsPlugin = definePluginConfig<Operations['Types']>({
  config: {},
  dependencies: ['@hey-api/typescript'],
  handler,
  name: 'operations',
  symbolMeta: () => ({ artifact: 'operations' }),
});
