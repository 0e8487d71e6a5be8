import { utcDate } from '../../../platform/calendar.ts';
import { formatDecimal, subtract, ZERO } from '../../../platform/decimal.ts';
import { roundRatio } from '../../../platform/money.ts';
import type { Billing } from '../../billing.ts';
import { type CreditNoteDraft, issueCreditNotes } from '../../credit-notes/issue.ts';
import type { Invoice } from '../../invoices/invoice.ts';
import { invoicesOfPeriods } from '../../invoices/line-store.ts';
import { reversalStateOf } from '../../invoices/reversal-state.ts';
import { lockInvoices } from '../../invoices/store.ts';
import { reverseBase, reversibleBase } from '../../pricing/reversal.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { differenceOf, type Rating, type Ratings } from '../lifecycle/rating.ts';
import { blockedSubscriptions } from '../store/heal.ts';
import type { BillingPeriod } from '../subscription.ts';

/** What is to be credited of rows that came to less, and the locked invoices that billed them (rules U7). */
export interface Corrections {
  rows: { outcome: Outcome; period: BillingPeriod; rating: Rating; base: bigint }[];
  /** By row, newest first. */
  invoices: Map<BillingPeriod, Invoice[]>;
}

/** Finds and locks the invoices, before any credit balance is locked (rules X3): two statements, or none. */
export async function openCorrections(
  { work }: Billing,
  outcomes: readonly Outcome[],
  ratings: Ratings,
): Promise<Corrections> {
  const rerated = outcomes.flatMap((outcome) =>
    outcome.bills.flatMap((bill) => bill.rerated.map((period) => ({ outcome, period }))),
  );
  const rows = rerated.flatMap(({ outcome, period }) => {
    const rating = ratings.get(period)!;
    const less = -differenceOf(period, rating);
    return less > 0n ? [{ outcome, period, rating, base: correctionOf(period, less) }] : [];
  });
  if (rows.length === 0) return { rows, invoices: new Map() };
  const ids = await invoicesOfPeriods(
    work.db,
    rows.map(({ period }) => period.id),
  );
  const locked = await lockInvoices(work.db, [...new Set([...ids.values()].flat())]);
  const byId = new Map(locked.filter(isCreditable).map((invoice) => [invoice.id, invoice]));
  const invoices = new Map(
    rows.map(({ period }) => [
      period,
      (ids.get(period.id) ?? []).flatMap((id) => byId.get(id) ?? []).sort(newestFirst),
    ]),
  );
  return { rows, invoices };
}

/** The difference less its share of the discounts (rules U7). */
const correctionOf = ({ billedAmount, billedNet }: BillingPeriod, less: bigint): bigint =>
  roundRatio(less * (billedNet ?? 0n), billedAmount ?? 1n);

const isCreditable = ({ status }: Invoice): boolean => status !== 'draft' && status !== 'void';
const newestFirst = (a: Invoice, b: Invoice): number => (orderOf(a) < orderOf(b) ? 1 : -1);
const orderOf = ({ issuedAt, id }: Invoice): string => `${issuedAt} ${id}`;

/**
 * Issues the credit notes: each row's base over the invoices that billed it, newest first, each up to its rest; one
 * note for an invoice whatever the number of rows. What has been given back by other means is not given twice.
 */
export async function correctUsage(billing: Billing, { rows, invoices }: Corrections): Promise<void> {
  const parts = new Map<Invoice, { base: bigint; reasons: string[] }>();
  for (const { period, rating, base } of rows) {
    let rest = base;
    for (const invoice of invoices.get(period)!) {
      const part = parts.get(invoice) ?? { base: 0n, reasons: [] };
      const left = reversibleBase(reversalStateOf(invoice)) - part.base;
      const share = rest < left ? rest : left;
      if (share <= 0n) continue;
      part.base += share;
      part.reasons.push(reasonOf(period, rating));
      parts.set(invoice, part);
      rest -= share;
    }
  }
  const drafts: CreditNoteDraft[] = [...parts].map(([invoice, { base, reasons }]) => ({
    invoice,
    reversal: reverseBase(reversalStateOf(invoice), base),
    cause: 'usage_correction',
    reason: reasons.join('; ').slice(0, 500),
  }));
  await issueCreditNotes(billing, drafts);
  for (const { period, base } of rows) period.billedNet = (period.billedNet ?? 0n) - base;
  await heal(billing, rows);
}

function reasonOf({ billedQuantity }: BillingPeriod, { charge, quantity }: Rating): string {
  const { plan, price, periodStart, periodEnd } = charge;
  const difference = formatDecimal(subtract(quantity, billedQuantity ?? ZERO));
  const period = `${utcDate(periodStart)} to ${utcDate(periodEnd)}`;
  return `${plan.name}: ${price.usageMetric?.name}, usage correction for ${period}, ${difference}`;
}

/** past_due → active where the correction has settled the last blocking invoice (rules §8.1). */
async function heal({ work }: Billing, rows: Corrections['rows']): Promise<void> {
  const pastDue = [...new Set(rows.map(({ outcome }) => outcome.sub))].filter(({ status }) => status === 'past_due');
  const blocked = await blockedSubscriptions(
    work.db,
    pastDue.map(({ id }) => id),
  );
  for (const sub of pastDue) if (!blocked.has(sub.id)) sub.status = 'active';
}
