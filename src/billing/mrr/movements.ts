import { insertRows, updateRows, upsertRows } from '../../platform/db/bulk.ts';
import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import type { Work } from '../../platform/work.ts';

export type MovementKind = 'new' | 'expansion' | 'contraction' | 'churn' | 'reactivation';

/** A subscription's monthly recurring revenue before and after, minor units. */
export interface MrrChange {
  subscriptionId: string;
  customerId: string;
  productId: string;
  currency: string;
  before: bigint;
  after: bigint;
  cause: string;
}

/** Kind by the customer's MRR in that currency (rules R3). */
export function movementKind(before: bigint, after: bigint, everHad: boolean): MovementKind {
  if (before === 0n) return everHad ? 'reactivation' : 'new';
  if (after === 0n) return 'churn';
  return after > before ? 'expansion' : 'contraction';
}

/** Writes one movement per change and keeps the customers' totals; changes of one customer follow each other. */
export async function recordMrr(work: Work, changes: MrrChange[]): Promise<void> {
  const real = changes.filter(({ before, after }) => before !== after);
  if (real.length === 0) return;
  const totals = await lockTotals(work, real);
  const rows = real.map((change) => {
    const total = totals.get(`${change.customerId} ${change.currency}`)!;
    const before = total.mrr;
    total.mrr += change.after - change.before;
    const kind = movementKind(before, total.mrr, total.everHad);
    total.everHad ||= total.mrr > 0n;
    return {
      id: work.newId(),
      subscription_id: change.subscriptionId,
      customer_id: change.customerId,
      product_id: change.productId,
      currency: change.currency,
      at: work.now,
      kind,
      delta: Number(change.after - change.before),
      subscription_mrr: Number(change.after),
      customer_mrr: Number(total.mrr),
      cause: change.cause,
      created_at: work.now,
    };
  });
  await updateRows(
    work.db,
    'customer_mrr',
    ['customer_id', 'currency'],
    [...totals.values()].map(({ customerId, currency, mrr }) => ({
      customer_id: customerId,
      currency,
      mrr: Number(mrr),
    })),
  );
  await insertRows(work.db, 'mrr_movements', rows);
}

interface Total {
  customerId: string;
  currency: string;
  mrr: bigint;
  /** The customer had MRR in this currency before. */
  everHad: boolean;
}

const UNLESS_THERE = 'ON CONFLICT (customer_id, currency) DO NOTHING RETURNING customer_id, currency';

/** Locks the running totals in order; a total that does not exist yet says that the customer never had MRR. */
async function lockTotals(work: Work, changes: MrrChange[]): Promise<Map<string, Total>> {
  const keys = new Map(changes.map((c) => [`${c.customerId} ${c.currency}`, c]));
  const totals = await readTotals(work.db, changes);
  const missing = [...keys.keys()].filter((key) => !totals.has(key)).sort();
  if (missing.length === 0) return totals;
  const rows = missing.map((key) => {
    const { customerId, currency } = keys.get(key)!;
    return { customer_id: customerId, currency, mrr: 0 };
  });
  const made = await upsertRows<(typeof rows)[number]>(work.db, 'customer_mrr', rows, UNLESS_THERE);
  for (const { customer_id: customerId, currency } of made)
    totals.set(`${customerId} ${currency}`, { customerId, currency, mrr: 0n, everHad: false });
  if (made.length === rows.length) return totals;
  // Another commit has made some of them meanwhile: those customers had MRR before.
  for (const [key, total] of await readTotals(work.db, changes)) if (!totals.has(key)) totals.set(key, total);
  return totals;
}

async function readTotals(db: Db, changes: MrrChange[]): Promise<Map<string, Total>> {
  const totals = new Map<string, Total>();
  const wanted = new Set(changes.map((c) => `${c.customerId} ${c.currency}`));
  const ids = [...new Set(changes.map(({ customerId }) => customerId))].sort();
  for (let i = 0; i < ids.length; i += 1000) {
    const rows = await db('customer_mrr')
      .whereIn('customer_id', inList(ids.slice(i, i + 1000)))
      .orderBy(['customer_id', 'currency'])
      .forNoKeyUpdate();
    for (const { customer_id: customerId, currency, mrr } of rows)
      if (wanted.has(`${customerId} ${currency}`))
        totals.set(`${customerId} ${currency}`, { customerId, currency, mrr: money(mrr), everHad: true });
  }
  return totals;
}
