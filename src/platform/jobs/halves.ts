/**
 * Runs a batch of ids, each try in a transaction of its own: one that fails is split in halves until the failing id
 * stands alone, so that it stops none of the others (rules S11, S12).
 */
export async function inHalves(
  ids: string[],
  run: (ids: string[]) => Promise<void>,
  alone: (id: string, error: unknown) => Promise<void>,
): Promise<void> {
  if (ids.length === 0) return;
  try {
    await run(ids);
  } catch (error) {
    const [first] = ids;
    if (ids.length === 1 && first) return alone(first, error);
    const middle = Math.ceil(ids.length / 2);
    await inHalves(ids.slice(0, middle), run, alone);
    await inHalves(ids.slice(middle), run, alone);
  }
}
