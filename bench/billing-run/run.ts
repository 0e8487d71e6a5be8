import { type DatabaseName, openPlace, type Place } from '../support/databases.ts';
import { median, table } from '../support/stats.ts';
import { audit, bill, raw, seed, sequence } from './child.ts';
import { DUE } from './seed.ts';
import type { EngineRun, Measured } from './steps.ts';

interface Round {
  engine: EngineRun;
  raw: Measured;
}
interface Result {
  size: number;
  rounds: Round[];
  seeded: Measured;
  before: Measured;
  after: Measured;
  sequenced: Measured & { events: number };
}

/** Fewer of the long ones; each round runs the engine and the raw INSERTs right after each other. */
const roundsOf = (size: number) => Number(process.env.ROUNDS) || (size > 10_000 ? 1 : size > 1_000 ? 3 : 7);

/** Templates are filled once and copied for every run. */
export interface Bench {
  place: Place;
  /** Few due subscriptions, for the warm-up. */
  few: string;
}

const WARM_UP = 500;

export async function withBench<T>(name: DatabaseName, run: (bench: Bench) => Promise<T>): Promise<T> {
  const place = await openPlace(name);
  try {
    const few = await place.make();
    await seed(few, WARM_UP);
    return await run({ place, few });
  } finally {
    await place.close();
  }
}

/** Runs `use` on copies of templates, and drops the copies. */
async function withCopies<T>(place: Place, of: string[], use: (...copies: string[]) => Promise<T>): Promise<T> {
  const copies: string[] = [];
  for (const url of of) copies.push(await place.copy(url));
  const result = await use(...copies);
  for (const url of copies) await place.drop(url);
  return result;
}

/** As many runners at once as told; throws unless there is one invoice for each of `expected`. */
export async function billWith(bench: Bench, url: string, runners: number, expected: number, now = DUE) {
  const copies = Array.from({ length: runners }, () => bench.few);
  const runs = await withCopies(bench.place, copies, (...warm) => {
    const startAt = Date.now() + (runners > 1 ? 3_000 * runners : 0);
    return Promise.all(warm.map((few) => bill(url, few, now, startAt)));
  });
  const made = runs.reduce((sum, { invoices }) => sum + invoices, 0);
  const errors = runs.reduce((sum, run) => sum + run.errors, 0);
  if (made !== expected || errors > 0) throw new Error(`${made} of ${expected} invoices, ${errors} errors`);
  return runs;
}

async function measure(bench: Bench, size: number): Promise<Result> {
  const { place } = bench;
  const template = await place.make();
  const seeded = await seed(template, size);
  const before = await audit(template);
  const rounds: Round[] = [];
  let ends: Pick<Result, 'after' | 'sequenced'> | undefined;
  while (rounds.length < roundsOf(size)) {
    const url = await place.copy(template);
    const [engine] = (await billWith(bench, url, 1, size)) as [EngineRun];
    const inserted = await withCopies(place, [template, template], (to, warm) => raw(url, to, warm, engine.marks));
    rounds.push({ engine, raw: inserted });
    ends ??= { sequenced: await sequence(url), after: await audit(url) };
    await place.drop(url);
  }
  await place.drop(template);
  return { size, rounds, seeded, before, ...ends! };
}

const perInvoice = ({ size, rounds }: Result) => (median(rounds.map(({ engine }) => engine.ms)) / size) * 1000;
const seconds = ({ ms }: Measured) => (ms / 1000).toFixed(1);
const rounded = (value: number) => Math.round(value);

function runLine(name: string, result: Result, smallest: Result): (string | number)[] {
  const { size, rounds } = result;
  const cost = perInvoice(result);
  const peaks = rounds.map(({ engine }) => engine.peakMb);
  const { statements } = rounds[0]!.engine;
  return [
    name,
    size,
    rounded(1e6 / cost),
    rounded(cost),
    rounded((median(rounds.map(({ engine }) => engine.cpuMs)) / size) * 1000),
    (cost / perInvoice(smallest)).toFixed(2),
    rounded(Math.max(...peaks)),
    statements.length,
    rounded(median(statements)),
    median(rounds.map(({ engine, raw }) => raw.ms / engine.ms)).toFixed(2),
  ];
}

function restLine(name: string, { size, seeded, before, after, sequenced }: Result): (string | number)[] {
  const perSecond = rounded((sequenced.events / sequenced.ms) * 1000);
  const audited = [seconds(before), seconds(after), rounded(after.peakMb)];
  return [name, size, seconds(seeded), ...audited, perSecond, rounded(sequenced.peakMb)];
}

const RUN = [
  'database',
  'due',
  'invoices/s',
  'µs per invoice',
  'CPU µs',
  '× smallest',
  'peak RSS MB',
  'batches',
  'statements',
];
const REST = [
  'database',
  'due',
  'seeding s',
  'audit before s',
  'audit after s',
  'its RSS MB',
  'positions/s',
  'its RSS MB',
];

/** The billing run against raw multi-row INSERTs of the same rows, with the audit before and after. */
export async function benchBillingRun(names: DatabaseName[], sizes: number[]): Promise<string> {
  const runs: (string | number)[][] = [];
  const rest: (string | number)[][] = [];
  for (const name of names)
    await withBench(name, async (bench) => {
      let smallest: Result | undefined;
      for (const size of sizes) {
        const result = await measure(bench, size);
        smallest ??= result;
        runs.push(runLine(name, result, smallest));
        rest.push(restLine(name, result));
      }
    });
  return `${table([...RUN, 'ratio to raw'], runs)}\n\n${table(REST, rest)}`;
}
