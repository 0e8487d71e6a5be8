/**
 * The end of a decision over every member of a union: a new member does not compile before it is decided. Throws when a
 * stored value is none of them, so that it is never taken for another.
 */
export function never(value: never): never {
  throw new Error(`Nothing is decided for ${JSON.stringify(value)}.`);
}
