import type { Instant } from '../../platform/calendar.ts';
import { type Db, dialectOf } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import { type Decimal, ofInteger, ZERO } from '../../platform/decimal.ts';
import type { UsageAggregation } from '../pricing/prices.ts';
import { joinValue } from './value.ts';

/** What is to be aggregated: the events of one metric with `from` <= timestamp < `to`, voided ones left out (rules U4). */
export interface UsageRange {
  subscriptionId: string;
  metric: string;
  aggregation: UsageAggregation;
  from: Instant;
  to: Instant;
}

/** The aggregate of each range, 0 without events; one statement for each kind of aggregation among them. */
export async function aggregateUsage(db: Db, ranges: readonly UsageRange[]): Promise<Decimal[]> {
  const results: Decimal[] = ranges.map(() => ZERO);
  const byKind = Map.groupBy(ranges.keys(), (n) => ranges[n]!.aggregation);
  for (const [kind, places] of byKind)
    for (let at = 0; at < places.length; at += RANGES_PER_STATEMENT)
      await KINDS[kind](db, ranges, places.slice(at, at + RANGES_PER_STATEMENT), results);
  return results;
}

const RANGES_PER_STATEMENT = 5_000;

type Aggregate = (db: Db, ranges: readonly UsageRange[], places: number[], results: Decimal[]) => Promise<void>;
type Sums = { n: unknown; a: string; b: string; c: string; d: string };
type Value = { n: unknown; whole: string; frac: unknown };

const COUNTED = `join usage_events e on e.subscription_id = r.subscription_id and e.metric = r.metric
  and e.timestamp >= r.starts_at and e.timestamp < r.ends_at and e.voided_at is null`;

/**
 * Both parts are summed in two halves: the sum of a column of 64-bit integers would overflow on SQLite, which has no
 * larger ones. Division and remainder go towards zero on both databases.
 */
const WHOLE = 1_000_000_000;
const FRAC = 1_000_000;
const total = (expression: string, as: string): string => `cast(sum(${expression}) as text) as ${as}`;

const KINDS: Record<UsageAggregation, Aggregate> = {
  async sum(db, ranges, places, results) {
    const [wanted, values] = rangesOf(db, ranges, places);
    const parts = [
      total(`e.value_whole / ${WHOLE}`, 'a'),
      total(`e.value_whole % ${WHOLE}`, 'b'),
      total(`e.value_frac / ${FRAC}`, 'c'),
      total(`e.value_frac % ${FRAC}`, 'd'),
    ];
    const rows = await query<Sums>(
      db,
      `select r.n, ${parts.join(', ')} from ${wanted} ${COUNTED} group by r.n`,
      values,
    );
    for (const { n, a, b, c, d } of rows) {
      const whole = BigInt(a) * BigInt(WHOLE) + BigInt(b);
      results[Number(n)] = joinValue(whole, BigInt(c) * BigInt(FRAC) + BigInt(d));
    }
  },
  count: counting('count(*)'),
  unique: counting('count(distinct e.unique_value)'),
  max: first('e.value_whole desc, e.value_frac desc'),
  last: first('e.timestamp desc, e.id desc'),
};

function counting(expression: string): Aggregate {
  return async (db, ranges, places, results) => {
    const [wanted, values] = rangesOf(db, ranges, places);
    const rows = await query<{ n: unknown; found: unknown }>(
      db,
      `select r.n, ${expression} as found from ${wanted} ${COUNTED} group by r.n`,
      values,
    );
    for (const { n, found } of rows) results[Number(n)] = ofInteger(Number(found));
  };
}

/** The value that stands first in this order. Whole and 10⁻¹² parts have one sign, so they compare one after the other. */
function first(order: string): Aggregate {
  return async (db, ranges, places, results) => {
    const [wanted, values] = rangesOf(db, ranges, places);
    const rows = await query<Value>(
      db,
      `select n, cast(value_whole as text) as whole, value_frac as frac from (
         select r.n, e.value_whole, e.value_frac, row_number() over (partition by r.n order by ${order}) as place
         from ${wanted} ${COUNTED}) ranked where place = 1`,
      values,
    );
    for (const { n, whole, frac } of rows) results[Number(n)] = joinValue(BigInt(whole), BigInt(Number(frac)));
  };
}

/** The ranges as a table `r` of the statement. */
function rangesOf(db: Db, ranges: readonly UsageRange[], places: number[]): [sql: string, values: unknown[]] {
  const rows = places.map((n) => [n, ranges[n]!.subscriptionId, ranges[n]!.metric, ranges[n]!.from, ranges[n]!.to]);
  if (dialectOf(db) === 'postgres') {
    const columns = [0, 1, 2, 3, 4].map((column) => rows.map((row) => row[column]));
    const types = ['integer', 'text', 'text', 'timestamptz', 'timestamptz'].map((type) => `?::${type}[]`).join(', ');
    return [`unnest(${types}) as r(n, subscription_id, metric, starts_at, ends_at)`, columns];
  }
  const names = ['n', 'subscription_id', 'metric', 'starts_at', 'ends_at'];
  const members = names.map((name, i) => `j.value ->> ${i} as ${name}`).join(', ');
  return [`(select ${members} from json_each(?) j) as r`, [JSON.stringify(rows)]];
}
