import { deref, type Node } from './document.ts';

/** Bytes of a character that is not ASCII, as most of them are written in UTF-8. */
const CHARACTER = 3;

/** The members of a schema that hold other schemas, with their paths. */
function* below(node: Node, path: string): Generator<[string, Node]> {
  for (const [name, member] of Object.entries((node.properties ?? {}) as Record<string, Node>))
    yield [`${path}.${name}`, member];
  for (const word of ['allOf', 'anyOf', 'oneOf'])
    for (const [i, member] of ((node[word] ?? []) as Node[]).entries()) yield [`${path}.${word}.${i}`, member];
  if (node.items) yield [`${path}.items`, node.items as Node];
  if (typeof node.additionalProperties === 'object') yield [`${path}.*`, node.additionalProperties as Node];
}

const typesOf = (node: Node): unknown[] => [node.type].flat();

/** The paths of the lists and free maps of a schema that may have any number of values. */
export function unbounded(schema: Node | undefined, path = ''): string[] {
  if (!schema) return [];
  const node = deref<Node>(schema);
  const list = typesOf(node).includes('array') && node.maxItems === undefined;
  const map =
    typesOf(node).includes('object') && node.additionalProperties !== false && node.unevaluatedProperties !== false;
  const here = list || (map && node.maxProperties === undefined) ? [path] : [];
  return [...here, ...[...below(node, path)].flatMap(([name, member]) => unbounded(member, name))];
}

/** Bytes of the longest valid JSON of a schema, without white space and without needless escapes. */
export function largest(schema: Node | undefined): number {
  const node = deref<Node & { maxItems?: number; maxLength?: number; maxProperties?: number }>(schema ?? {});
  if (Array.isArray(node.enum)) return Math.max(...node.enum.map((value) => JSON.stringify(value).length));
  const either = [...((node.anyOf ?? []) as Node[]), ...((node.oneOf ?? []) as Node[])].map(largest);
  const together = ((node.allOf ?? []) as Node[]).reduce((sum, one) => sum + largest(one), 0);
  return Math.max(...typesOf(node).map((type) => largestOf(type, node)), ...either, 0) + together;
}

function largestOf(
  type: unknown,
  node: Node & { maxItems?: number; maxLength?: number; maxProperties?: number },
): number {
  if (type === 'object') {
    const members = Object.entries((node.properties ?? {}) as Record<string, Node>);
    const known = members.reduce((sum, [name, member]) => sum + name.length + 4 + largest(member), 2);
    if (typeof node.additionalProperties !== 'object') return known;
    const { maxLength } = node.propertyNames as { maxLength: number };
    const each = maxLength * CHARACTER + 4 + largest(node.additionalProperties as Node);
    return known + (node.maxProperties ?? 0) * each;
  }
  if (type === 'array') return 2 + (node.maxItems ?? 0) * (1 + largest(node.items as Node));
  if (type === 'string')
    return 2 + (node.pattern || node.format ? (node.maxLength ?? 64) : (node.maxLength ?? 0) * CHARACTER);
  return type === 'boolean' ? 5 : type === undefined || type === 'null' ? 4 : 24;
}
