import { optionalDecimal, optionalMoney } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { compare } from '../../platform/decimal.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { loadPlanVersions } from '../plans/store.ts';
import { usageAmount } from '../pricing/lines.ts';
import type { BillingCycle } from '../pricing/prices.ts';
import { measureUsage } from '../subscriptions/usage/rating.ts';
import { type Check, MAX_IDS, pagesById, sqlCheck } from './check.ts';

/** Amounts of the usage lines of each usage row; late usage that a person voided counts as billed (rules I4). */
const LINES = `select l.billing_period_id as id, sum(l.amount) as amount, max(i.reversed_amount + i.discount_amount) as less
  from invoice_lines l join invoices i on i.id = l.invoice_id
  where l.kind = 'usage' and i.issued_at is not null group by l.billing_period_id`;

/** INV11, INV12 for usage rows: what was billed is on the lines, is what the events come to, and nothing is forgotten. */
export const usageChecks: Check[] = [
  sqlCheck(
    'INV11',
    'usage of a subscription that has ended is to be rated again, and nothing is planned',
    `select p.id from billing_periods p join subscriptions s on s.id = p.subscription_id
     where p.dirty and s.status = 'canceled' and s.next_action_at is null`,
  ),
  sqlCheck(
    'INV12',
    'a usage row that is billed does not say what, or one that is not billed does',
    `select id from billing_periods where kind = 'usage' and (
       (state in ('invoiced', 'skipped') and (billed_quantity is null or billed_amount is null or billed_net is null))
       or (state in ('pending', 'waived') and (billed_amount is not null or dirty)))`,
  ),
  sqlCheck(
    'INV12',
    'less than nothing, or more than its price, is billed for usage, or something for a row that was skipped',
    `select id from billing_periods where kind = 'usage' and (billed_net < 0 or billed_net > billed_amount
       or (state = 'skipped' and billed_amount <> 0))`,
  ),
  sqlCheck(
    'INV12',
    'the lines for a usage row do not come to what was billed for it',
    `select p.id from billing_periods p left join (${LINES}) l on l.id = p.id
     where p.kind = 'usage' and p.state in ('invoiced', 'skipped') and (p.billed_amount > coalesce(l.amount, 0)
       or (p.billed_amount <> coalesce(l.amount, 0) and coalesce(l.less, 0) = 0))`,
  ),
  sqlCheck(
    'INV12',
    'the tiers of a usage row are filled from the start of no earlier one',
    `select p.id from billing_periods p left join billing_periods e
       on e.subscription_id = p.subscription_id and e.kind = 'usage' and e.period_start = p.tiers_from
     where p.tiers_from is not null and (e.id is null or p.tiers_from >= p.period_start)`,
  ),
  { invariant: 'INV12', detail: 'the usage billed is not what its events come to', find: findMisrated },
];

interface Row {
  id: string;
  subscription_id: string;
  plan_version_id: string;
  period_start: string;
  period_end: string;
  tiers_from: string | null;
  billed_quantity: unknown;
  billed_amount: unknown;
  billing_cycle: BillingCycle;
  currency: string;
}

/** Rows that nothing was added to or taken from since they were rated. */
async function findMisrated(db: Db): Promise<string[]> {
  const wrong: string[] = [];
  const pages = pagesById<Row>(
    db,
    `select p.*, s.currency, s.billing_cycle from billing_periods p join subscriptions s on s.id = p.subscription_id
     where p.id > ? and p.kind = 'usage' and p.state in ('invoiced', 'skipped') and not p.dirty order by p.id`,
  );
  for await (const page of pages) {
    const versions = await loadPlanVersions(db, new Set(page.map((row) => row.plan_version_id)));
    const [rated, unratable] = partition(page, (row) => versions.get(row.plan_version_id)!.price.usageMetric !== null);
    wrong.push(...unratable.map(({ id }) => id));
    const usages = await measureUsage(
      db,
      rated.map((row) => measuredOf(row, versions.get(row.plan_version_id)!)),
    );
    for (const [i, row] of rated.entries()) {
      const { quantity, usedBefore } = usages[i]!;
      const charge = chargeOf(row, versions.get(row.plan_version_id)!);
      const amount = usageAmount({ ...charge, usedBefore }, quantity);
      const billed = optionalDecimal(row.billed_quantity);
      if (billed === null || compare(billed, quantity) !== 0 || optionalMoney(row.billed_amount) !== amount)
        wrong.push(row.id);
    }
    if (wrong.length > MAX_IDS) break;
  }
  return wrong.slice(0, MAX_IDS + 1);
}

function partition<T>(all: readonly T[], fits: (one: T) => boolean): [T[], T[]] {
  return [all.filter(fits), all.filter((one) => !fits(one))];
}

const measuredOf = (row: Row, { price }: PlanVersion) => ({
  subscriptionId: row.subscription_id,
  periodStart: row.period_start,
  periodEnd: row.period_end,
  tiersFrom: row.tiers_from,
  price,
});

const chargeOf = (row: Row, { id, planId, planName, productId, price }: PlanVersion) => ({
  plan: { id: planId, name: planName, productId },
  planVersionId: id,
  price,
  currency: row.currency,
  quantity: 1,
  billingCycle: row.billing_cycle,
  periodStart: row.period_start,
  periodEnd: row.period_end,
});
