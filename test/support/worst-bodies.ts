import { deref, type Node, type Op } from './document.ts';

/** What is put in the place of a member, `bytes` long as JSON: what other people's servers have stood still over. */
const FILLINGS: Record<string, (bytes: number) => string> = {
  'a text of digits': (bytes) => `"${'1'.repeat(bytes - 2)}"`,
  'a text of letters that ends badly': (bytes) => `"${'a'.repeat(bytes - 3)}!"`,
  'a text of dots': (bytes) => `"a@${'a.'.repeat(bytes / 2 - 2)}"`,
  'a text of spaces': (bytes) => `"x${' '.repeat(bytes - 4)}x"`,
  'a text of marks': (bytes) => `"${'\u0301'.repeat(bytes / 2 - 1)}"`,
  'a number of many digits': (bytes) => '9'.repeat(bytes),
  'a number of many decimals': (bytes) => `0.${'1'.repeat(bytes - 2)}`,
  'different texts': (bytes) => list(bytes, (i) => `"${i.toString(36)}"`),
  'empty objects': (bytes) => list(bytes, () => '{}'),
  'empty texts': (bytes) => list(bytes, () => '""'),
  'nulls in lists': (bytes) => list(bytes, () => '[0]'),
  'many members': (bytes) => members(bytes),
  'depth of arrays': (bytes) => '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  'depth of objects': (bytes) => `${'{"a":'.repeat(bytes / 6)}0${'}'.repeat(bytes / 6)}`,
};

const list = (bytes: number, item: (i: number) => string): string => `[${joined(bytes - 2, item)}]`;
const members = (bytes: number): string => `{${joined(bytes - 2, (i) => `"${i.toString(36)}":0`)}}`;

function joined(bytes: number, item: (i: number) => string): string {
  const parts: string[] = [];
  for (let size = -1; ; parts.push(item(parts.length))) {
    size += item(parts.length).length + 1;
    if (size > bytes) return parts.join(',');
  }
}

/** Of a member; what is larger costs the reading, which the body as a whole shows. */
const MEMBER_BYTES = 65_536;

export interface WorstBody {
  name: string;
  text: string;
}

/** Bodies of exactly the allowed size that cost as much as a caller can make them cost, for every member of the body. */
export function* worstBodies(op: Op, limit: number): Generator<WorstBody> {
  const schema = op.body?.content['application/json']?.schema;
  for (const [name, fill] of Object.entries(FILLINGS)) yield { name, text: fill(limit) };
  for (const member of membersOf(schema))
    for (const [name, fill] of Object.entries(FILLINGS)) {
      const start = `{${JSON.stringify(member)}:`;
      yield { name: `${member}: ${name}`, text: `${start}${fill(Math.min(limit, MEMBER_BYTES) - start.length - 1)}}` };
    }
  if (!op.batch) return;
  for (const item of BATCH_ITEMS) {
    const items = Math.min(BATCH, Math.floor((limit - 2) / (item.length + 1)));
    yield { name: `${items} items ${item.slice(0, 60)}`, text: `[${Array(items).fill(item)}]` };
  }
}

const BATCH = 1000;
const BATCH_ITEMS = [
  ...['{}', '[]', '"x"', members(370), `{"properties":${members(350)}}`, `{"properties":${list(350, () => '[]')}}`],
  ...[`{"metricName":"${'x'.repeat(900)}"}`, `{"value":"${'1'.repeat(900)}"}`, `{"timestamp":"${'1'.repeat(900)}"}`],
];

function membersOf(schema: Node | undefined): string[] {
  if (!schema) return [];
  const node = deref<Node>(schema);
  const parts = ['allOf', 'anyOf', 'oneOf'].flatMap((word) => (node[word] ?? []) as Node[]);
  return [...new Set([...Object.keys((node.properties ?? {}) as object), ...parts.flatMap(membersOf)])];
}
