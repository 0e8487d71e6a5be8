import { addDays } from '../../src/platform/calendar.ts';
import type { DatabaseName } from '../support/databases.ts';
import { table } from '../support/stats.ts';
import { audit, seed, sequence } from './child.ts';
import { billWith, withBench } from './run.ts';
import { DUE } from './seed.ts';

const wall = (runs: { from: number; to: number }[]) =>
  Math.max(...runs.map(({ to }) => to)) - Math.min(...runs.map(({ from }) => from));

/** 1, 2 and 4 runners at once over the same due subscriptions on Postgres: one invoice each, and how much faster. */
export async function benchRunners(size: number): Promise<string> {
  const lines: (string | number)[][] = [];
  await withBench('postgres', async (bench) => {
    const template = await bench.place.make();
    await seed(template, size);
    let alone = 0;
    for (const runners of [1, 2, 4]) {
      const url = await bench.place.copy(template);
      const runs = await billWith(bench, url, runners, size);
      const ms = wall(runs);
      alone ||= ms;
      await sequence(url);
      await audit(url);
      const shares = runs.map(({ invoices }) => invoices).join(' + ');
      lines.push([runners, shares, Math.round((size / ms) * 1000), (alone / ms).toFixed(2)]);
      await bench.place.drop(url);
    }
  });
  return table(['runners', 'invoices', 'invoices/s', 'speed-up'], lines);
}

const WEEKS = 8;

/** The first run after eight weeks in which nothing ran: two boundaries of each subscription, and invoices ahead. */
export async function benchCatchUp(names: DatabaseName[], size: number): Promise<string> {
  const lines: (string | number)[][] = [];
  const now = addDays(DUE, WEEKS * 7);
  for (const name of names)
    await withBench(name, async (bench) => {
      const url = await bench.place.make();
      await seed(url, size);
      const [run] = await billWith(bench, url, 1, 2 * size, now);
      await sequence(url, now);
      await audit(url, now);
      const { ms, peakMb, invoices, marks } = run!;
      const cost = Math.round((ms / invoices) * 1000);
      lines.push([name, size, invoices, marks.length, Math.round((invoices / ms) * 1000), cost, Math.round(peakMb)]);
    });
  return table(['database', 'due', 'invoices', 'batches', 'invoices/s', 'µs per invoice', 'peak RSS MB'], lines);
}
