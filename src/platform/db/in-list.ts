/**
 * Values for `whereIn`, filled up to a power of two by repeating the last one: a page of any size then uses one of a
 * dozen statement texts, and prepared statements stay few.
 */
export function inList(values: Iterable<string>): string[] {
  const list = [...new Set(values)];
  const last = list.at(-1);
  if (last === undefined) return list;
  const size = 2 ** Math.ceil(Math.log2(list.length));
  while (list.length < size) list.push(last);
  return list;
}
