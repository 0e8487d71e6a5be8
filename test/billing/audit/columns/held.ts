/**
 * What holds each column of each table (rules §20): an invariant that derives it again, a trigger or constraint that keeps
 * it as it was written (`fixed`), or nothing, with the reason. A new column needs a line here.
 */

/** Derived again: a change of it is reported as exactly these invariants, the first of which names it. */
export interface Derived {
  by: string[];
  /** SQL of another value, and which row is changed; by default one more, or another instant, of the first that has one. */
  to?: string;
  where?: string;
}
export type Held = Derived | 'fixed' | `given: ${string}`;
export type Columns = Record<string, Held>;

export const derived = (by: string, to?: string, where?: string): Derived => ({
  by: by.split(' '),
  ...(to === undefined ? {} : { to }),
  ...(where === undefined ? {} : { where }),
});
export const all = (held: Held, names: string): Columns =>
  Object.fromEntries(names.split(' ').map((name) => [name, held]));

export const KEY = 'given: the key of the row';
export const LINK = 'given: names another row';
export const WORDS = 'given: words that nothing is computed from';
export const PERSON = 'given: a person said so; the audit row tells who';
export const VERSION = 'given: counts the writes, for If-Match';
export const STAMP = 'given: when the row was written';
export const ACCESS = 'given: who may come in; no money, no state of what is sold';
export const DELIVERY = 'given: how far the sending is; it is tried again until it is done';
export const CACHE = 'given: what an outside provider said, until it is asked again';
