/**
 * The members that differ between two versions of one entity, as `[before, after]` (rules H8, E3).
 * `updatedAt` and `version` change with every change and are left out.
 */
export function changesOf<T extends object>(before: T, after: T): Record<string, [unknown, unknown]> {
  const changes: Record<string, [unknown, unknown]> = {};
  for (const key of Object.keys(after) as (keyof T & string)[]) {
    if (key === 'updatedAt' || key === 'version') continue;
    if (!same(before[key], after[key])) changes[key] = [plain(before[key]), plain(after[key])];
  }
  return changes;
}

const plain = (value: unknown): unknown => {
  if (value === undefined) return null;
  return typeof value === 'string' ? value : JSON.parse(text(value));
};
const text = (value: unknown): string => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? v.toString() : v));
const same = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a === 'string' && typeof b === 'string') return false;
  return text(sorted(a) ?? null) === text(sorted(b) ?? null);
};

/** JSON objects are equal whatever the order of their members: jsonb does not keep it. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
