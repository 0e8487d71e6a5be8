import { invalid } from '../errors.ts';
import type { OperationObject, Spec } from './contract.ts';

/** Values more than a valid body can have that are still looked at, so that a few wrong members are named. */
const SPARE_VALUES = 200;
/** Values of an object or array that the document leaves open: the items of a batch. */
const OPEN_VALUES = 64;
const MAX_DEPTH = 32;

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  maxProperties?: number;
  items?: Schema;
  maxItems?: number;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** How many values (members, items and containers) a body may have before anything looks at what they are. */
export function maxValuesOf(spec: Spec, { requestBody }: OperationObject): number {
  const body = follow(spec, requestBody as { $ref?: string } | undefined) as OperationObject['requestBody'];
  return valuesOf(spec, body?.content?.['application/json']?.schema as Schema) + SPARE_VALUES;
}

/** The most values that a valid value of this schema has, itself included. */
function valuesOf(spec: Spec, schema: Schema | undefined): number {
  if (!schema) return OPEN_VALUES;
  const { properties, additionalProperties, maxProperties, items, maxItems, allOf, anyOf, oneOf, type } = follow(
    spec,
    schema,
  ) as Schema;
  const of = (one: Schema) => valuesOf(spec, one);
  const members = Object.values(properties ?? {}).reduce((sum, member) => sum + of(member), 0);
  const free = [type].flat().includes('object') && additionalProperties !== false;
  const each = typeof additionalProperties === 'object' ? of(additionalProperties) : 1;
  const more = free ? (maxProperties ?? OPEN_VALUES) * each : 0;
  const list = items ? (maxItems ?? OPEN_VALUES) * of(items) : 0;
  const together = (allOf ?? []).reduce((sum, one) => sum + of(one), 0);
  const either = Math.max(0, ...[...(anyOf ?? []), ...(oneOf ?? [])].map(of));
  return 1 + members + more + list + together + either;
}

function follow(spec: Spec, node: { $ref?: string } | undefined): object | undefined {
  if (!node?.$ref) return node;
  const [kind, name] = node.$ref.split('/').slice(-2) as [string, string];
  return follow(spec, (spec.components[kind] as Record<string, { $ref?: string }>)[name]);
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Counts the values of a JSON text and its depth without parsing it: parsing, cleaning and validating cost many times
 * as much for each value. Throws AppError `validation_error`.
 */
export function checkShape(bytes: Buffer, maxValues: number): void {
  let values = 1;
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i);
    else if (byte === COMMA) values++;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      values++;
      if (++depth > MAX_DEPTH) throw invalid({ _: 'is nested too deeply' });
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    if (values > maxValues) throw invalid({ _: `must not have more than ${maxValues} values` });
  }
}

/** The place of the quote that ends the string, or of the last byte. */
function endOfString(bytes: Buffer, start: number): number {
  for (let i = start + 1; i < bytes.length; i++) {
    if (bytes[i] === BACKSLASH) i++;
    else if (bytes[i] === QUOTE) return i;
  }
  return bytes.length;
}
