/** The value, with every look at a member or an item of it counted. */
export function counting<T>(value: T, counter: { looks: number }): T {
  if (value === null || typeof value !== 'object') return value;
  const known = new Map<unknown, unknown>();
  const wrap = (inner: unknown): unknown => {
    if (inner === null || typeof inner !== 'object') return inner;
    if (!known.has(inner)) known.set(inner, counting(inner, counter));
    return known.get(inner);
  };
  return new Proxy(value, {
    get(target, name, receiver) {
      counter.looks++;
      return wrap(Reflect.get(target, name, receiver));
    },
    ownKeys(target) {
      const keys = Reflect.ownKeys(target);
      counter.looks += keys.length;
      return keys;
    },
  });
}
