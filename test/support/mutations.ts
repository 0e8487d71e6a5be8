import fc from 'fast-check';
import { BAD_VALUES } from './bad-values.ts';

interface Mutation {
  kind: 'set' | 'remove' | 'add';
  /** Which place of the body, counted through. */
  place: number;
  value: unknown;
}

/** One to three places of a body that get another value, go away, or get an unknown member. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Mutation['kind']>('set', 'set', 'set', 'set', 'remove', 'add'),
    place: fc.nat(10_000),
    value: fc.constantFrom(...BAD_VALUES),
  }),
  { minLength: 1, maxLength: 3 },
);

export function mutated(base: object, changes: Mutation[]): unknown {
  const body = structuredClone(base) as Holder;
  for (const { kind, place, value: shared } of changes) {
    const value: unknown = structuredClone(shared);
    const places = placesOf(body);
    const [holder, name] = places[place % places.length] ?? ([body, 'unknown'] as const);
    if (kind === 'remove') delete holder[name];
    else if (kind === 'add') holder[`${name}x`] = value;
    else holder[name] = value;
  }
  return body;
}

type Holder = Record<string, unknown>;

function placesOf(node: unknown): [Holder, string][] {
  if (node === null || typeof node !== 'object') return [];
  const holder = node as Holder;
  return Object.keys(holder)
    .slice(0, 20)
    .flatMap((name): [Holder, string][] => [[holder, name], ...placesOf(holder[name])]);
}
