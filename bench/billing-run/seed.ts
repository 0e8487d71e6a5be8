import { openBilling } from '../../src/billing/billing.ts';
import { sequenceEvents } from '../../src/billing/events/sequencer.ts';
import { recordMrr } from '../../src/billing/mrr/movements.ts';
import { advanceAmount } from '../../src/billing/pricing/lines.ts';
import { subscriptionMrr } from '../../src/billing/pricing/mrr.ts';
import { billsInAdvance } from '../../src/billing/pricing/prices.ts';
import { type SubscriptionDiscount, toPricing } from '../../src/billing/subscriptions/lifecycle/discount.ts';
import { insertDiscounts } from '../../src/billing/subscriptions/store/discounts.ts';
import { insertPeriods } from '../../src/billing/subscriptions/store/periods.ts';
import type { BillingPeriod } from '../../src/billing/subscriptions/subscription.ts';
import { addDays, addMonths } from '../../src/platform/calendar.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { formatMoney } from '../../src/platform/money.ts';
import { inTransaction, type Runtime, type Work } from '../../src/platform/work.ts';
import { createRuntime } from '../../src/runtime.ts';
import { benchConfig } from '../http/setup.ts';
import { type Catalogue, makeCatalogue } from './catalogue.ts';
import { type Mix, type Traits, traitsOf } from './mix.ts';

export const START = '2026-02-15T09:00:00.000Z';
export const DUE = '2026-03-15T09:00:00.000Z';
const AHEAD_DAYS = 5;
const CHUNK = 5_000;

export function billingRuntime(url: string, now: string): Runtime {
  const clock: Clock = { now: () => now };
  return createRuntime(benchConfig(url), { clock });
}

/**
 * `count` monthly subscriptions with something due now, and everything the engine itself would have left behind a
 * month ago, written by its own set-based functions: the audit finds nothing wrong.
 */
export async function seedDue(url: string, count: number, mix: Mix): Promise<void> {
  const runtime = billingRuntime(url, START);
  await migrate(runtime.database, START);
  const catalogue = await inTransaction(runtime, infoAt(START), makeCatalogue);
  for (let from = 0; from < count; from += CHUNK) {
    const numbers = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => from + i);
    const sold = numbers.map((n) => ({ n, traits: traitsOf(mix, n) }));
    for (const ahead of [false, true]) {
      const some = sold.filter(({ traits }) => traits.ahead === ahead);
      const start = ahead ? addDays(START, AHEAD_DAYS) : START;
      if (some.length > 0) await inTransaction(runtime, infoAt(start), (work) => sell(work, catalogue, some));
    }
  }
  const redeemed = '(select count(*) from subscription_discounts d where d.coupon_id = coupons.id)';
  await runtime.database.write.raw(`update coupons set times_redeemed = ${redeemed}`);
  await sequenceEvents(runtime);
  if (runtime.database.dialect === 'postgres') await runtime.database.write.raw('vacuum analyze');
  await runtime.database.close();
}

const infoAt = (now: string) => ({ actor: { type: 'system', id: null } as const, action: 'seed', now });

interface Sale {
  id: string;
  customerId: string;
  n: number;
  traits: Traits;
}

async function sell(work: Work, catalogue: Catalogue, sold: Omit<Sale, 'id' | 'customerId'>[]): Promise<void> {
  const { db, now, newId } = work;
  const sales: Sale[] = sold.map((one) => ({ ...one, id: newId(), customerId: newId() }));
  await insertRows(
    db,
    'customers',
    sales.map((sale) => customerRow(sale, now)),
  );
  await insertRows(
    db,
    'subscriptions',
    sales.map((sale) => subscriptionRow(sale, catalogue, now)),
  );
  await insertPeriods(
    db,
    sales.flatMap((sale) => periodsOf(work, sale, catalogue)),
  );
  const discounts = sales.flatMap((sale) => discountOf(work, sale, catalogue));
  await insertDiscounts(db, discounts);
  const bySubscription = new Map(discounts.map((one) => [one.subscriptionId, one]));
  await recordMrr(
    work,
    sales.map((sale) => mrrOf(sale, catalogue, bySubscription.get(sale.id), now)),
  );
  await giveCredits(work, sales);
  for (const sale of sales) {
    const { id, customerId } = sale;
    const data = createdData(sale, catalogue, now);
    work.emit({ type: 'subscription.created', customerId, resourceType: 'subscription', resourceId: id, data });
    work.audit({ entityType: 'subscription', entityId: id });
  }
}

async function giveCredits(work: Work, sales: Sale[]): Promise<void> {
  const given = sales.filter(({ traits }) => traits.credit > 0n);
  const empty = { currency: 'USD', balance: 0, last_seq: 0 };
  await insertRows(
    work.db,
    'credit_balances',
    given.map(({ customerId }) => ({ customer_id: customerId, ...empty })),
  );
  const billing = await openBilling(work);
  await billing.credits.open(given.map(({ customerId }) => customerId));
  for (const { customerId, traits } of given) {
    const move = {
      customerId,
      currency: 'USD',
      amount: traits.credit,
      reason: 'manual',
      description: 'A gift',
    } as const;
    const { id } = await billing.credits.move(move);
    work.audit({ entityType: 'credit_entry', entityId: id });
  }
}

const endOf = (start: string) => addMonths(start, 1);

function periodsOf(work: Work, sale: Sale, { versions }: Catalogue): BillingPeriod[] {
  const { now, newId } = work;
  const mine = { subscriptionId: sale.id, kind: 'advance', quantity: sale.traits.quantity, createdAt: now } as const;
  const unbilled = {
    givenBackBefore: 0n,
    billedQuantity: null,
    billedAmount: null,
    billedNet: null,
    dirty: false,
    tiersFrom: null,
  } as const;
  const plan = { planVersionId: versions[sale.traits.model].id, invoiceId: null, ...unbilled };
  const waived = { state: 'waived', reason: 'waived', inForceFrom: now, inForceNet: 0n } as const;
  const pending = { state: 'pending', reason: null, inForceFrom: null, inForceNet: null } as const;
  const current = { periodStart: now, periodEnd: endOf(now), dueAt: now };
  const next = { periodStart: endOf(now), periodEnd: addMonths(now, 2), dueAt: DUE };
  return [
    { id: newId(), ...mine, ...plan, ...waived, ...current },
    { id: newId(), ...mine, ...plan, ...pending, ...next },
  ];
}

function discountOf(work: Work, sale: Sale, { coupons }: Catalogue): SubscriptionDiscount[] {
  const { discount } = sale.traits;
  if (!discount) return [];
  const endsAt = discount === 'percentage' ? null : addMonths(work.now, 12);
  const window = { appliedAt: work.now, startsAt: work.now, endsAt, removedAt: null };
  return [{ id: work.newId(), subscriptionId: sale.id, coupon: coupons[discount], ...window }];
}

function mrrOf(sale: Sale, { versions }: Catalogue, discount: SubscriptionDiscount | undefined, start: string) {
  const version = versions[sale.traits.model];
  const plan = { id: version.planId, name: version.planName, productId: version.productId };
  const period = { periodStart: start, periodEnd: endOf(start), billingCycle: 'monthly' } as const;
  const { quantity } = sale.traits;
  const charge = { plan, planVersionId: version.id, price: version.price, currency: 'USD', quantity, ...period };
  const after = subscriptionMrr('active', charge, discount ? [toPricing(discount)] : []);
  const of = { subscriptionId: sale.id, customerId: sale.customerId, productId: plan.productId, currency: 'USD' };
  return { ...of, before: 0n, after, cause: 'create' };
}

/** As the API tells it (rules E2). */
function createdData(sale: Sale, catalogue: Catalogue, now: string): Record<string, unknown> {
  const row = subscriptionRow(sale, catalogue, now);
  const version = catalogue.versions[sale.traits.model];
  const terms = { quantity: row.quantity, billingCycle: 'monthly', currency: row.currency } as const;
  const plan = { id: version.planId, name: version.planName, productId: version.productId };
  const period = { periodStart: now, periodEnd: row.current_period_end };
  const amount = billsInAdvance(version.price)
    ? formatMoney(advanceAmount({ plan, planVersionId: version.id, price: version.price, ...terms, ...period }), 'USD')
    : null;
  return {
    subscriptionId: sale.id,
    customerId: sale.customerId,
    planId: version.planId,
    planVersion: 1,
    status: row.status,
    ...terms,
    amount,
    currentPeriodStart: now,
    currentPeriodEnd: row.current_period_end,
    trialEnd: null,
  };
}

const customerRow = ({ customerId, n, traits: { country } }: Sale, now: string) => ({
  id: customerId,
  name: `Acme ${n}`,
  email: `customer-${n}@acme.example`,
  email_key: `customer-${n}@acme.example`,
  tier: 'starter',
  billing_address: '1 Main Street',
  billing_city: 'San Francisco',
  billing_state: country === 'US' ? 'CA' : null,
  billing_country: country ?? 'GB',
  metadata: '{}',
  version: 1,
  created_at: now,
  updated_at: now,
});

const subscriptionRow = ({ id, customerId, traits }: Sale, { versions }: Catalogue, now: string) => ({
  id,
  customer_id: customerId,
  plan_id: versions[traits.model].planId,
  plan_version_id: versions[traits.model].id,
  status: 'active',
  currency: 'USD',
  quantity: traits.quantity,
  billing_cycle: 'monthly',
  anchor_at: now,
  period_index: 0,
  current_period_start: now,
  current_period_end: endOf(now),
  cancel_at_period_end: false,
  pre_renewal_invoice_days: traits.ahead ? AHEAD_DAYS : 0,
  next_action_at: DUE,
  error_count: 0,
  metadata: '{}',
  version: 1,
  created_at: now,
  updated_at: now,
});
