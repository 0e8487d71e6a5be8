import type { InvoicePreview } from '../../../../generated/types.gen.ts';
import { type Instant, utcDate } from '../../../platform/calendar.ts';
import { formatDecimal } from '../../../platform/decimal.ts';
import { notFound, refuse } from '../../../platform/errors.ts';
import type { Context } from '../../../platform/http/operations.ts';
import { exponentOf, formatMoney } from '../../../platform/money.ts';
import { type Billing, openBilling } from '../../billing.ts';
import { creditBalancesOf } from '../../credits/balances.ts';
import { composeWith } from '../../invoices/draft.ts';
import { defaultDueDate } from '../../invoices/invoice.ts';
import type { InvoiceLine, InvoiceOutput } from '../../pricing/compose.ts';
import { quantityNumber } from '../../pricing/quantity.ts';
import { draftOf, linesOf } from '../lifecycle/bill-draft.ts';
import type { Bill, Outcome } from '../lifecycle/outcome.ts';
import { crossBoundary } from '../lifecycle/transitions.ts';
import { readOutcomes } from '../store/load.ts';
import { findSubscription } from '../store/subscriptions.ts';
import { rateUsage } from '../usage/rating.ts';

/**
 * What the next boundary would issue if it were now (rules I7): the boundary is crossed in memory, on an outcome that is
 * never saved. Reads only. Throws AppError `not_found`, `subscription_not_active`.
 */
export async function upcomingInvoice(context: Context, id: string): Promise<InvoicePreview> {
  const sub = await findSubscription(context.db, context.scope, id);
  if (!sub) throw notFound('subscription');
  if (sub.status === 'paused' || sub.status === 'canceled')
    throw refuse('subscription_not_active', `A ${sub.status} subscription has no upcoming invoice.`);
  const [outcome] = await readOutcomes(context, [sub]);
  const issueDate = sub.currentPeriodEnd > context.now ? sub.currentPeriodEnd : context.now;
  crossBoundary(outcome!, context);
  const billing = await openBilling(context);
  const output = await compute(billing, outcome!, issueDate);
  if (outcome!.sub.status === 'canceled' && output.lines.length === 0)
    throw refuse('subscription_not_active', 'The subscription ends with its period, and nothing is left to bill.');
  return present(billing, outcome!, output, issueDate);
}

/** One invoice for everything the boundary bills. */
async function compute(billing: Billing, outcome: Outcome, issueDate: Instant): Promise<InvoiceOutput> {
  const { work } = billing;
  const bill: Bill = {
    periods: outcome.bills.flatMap(({ periods }) => periods),
    rerated: outcome.bills.flatMap(({ rerated }) => rerated),
    origin: 'renewal',
    preGenerated: false,
  };
  const lines = linesOf(outcome, bill, await rateUsage(work.db, [outcome]));
  const balances = (await creditBalancesOf(work.db, [outcome.customer.id])).get(outcome.customer.id) ?? [];
  const balance = balances.find(({ currency }) => currency === outcome.sub.currency)?.balance ?? 0n;
  const draft = { ...draftOf(work, outcome, bill, lines), taxedOn: utcDate(issueDate) };
  return composeWith(billing, draft, { balance, apply: true });
}

function present({ settings }: Billing, outcome: Outcome, output: InvoiceOutput, issueDate: Instant) {
  const { sub, before, customer } = outcome;
  const money = (minor: bigint) => formatMoney(minor, sub.currency);
  const period = sub.status === 'canceled' ? before : sub;
  return {
    customerId: customer.id,
    customerName: customer.name,
    subscriptionId: sub.id,
    currency: sub.currency,
    lineItems: output.lines.map((line) => presentLine(line, sub.currency)),
    subtotal: money(output.subtotal),
    discountAmount: money(output.discountAmount),
    taxName: output.tax?.name ?? null,
    taxRate: output.tax ? formatDecimal(output.tax.rate, 4) : null,
    taxInclusive: output.tax?.inclusive ?? false,
    taxAmount: money(output.taxAmount),
    total: money(output.total),
    creditsApplied: money(output.creditsApplied),
    amountDue: money(output.amountDue),
    periodStart: period.currentPeriodStart,
    periodEnd: period.currentPeriodEnd,
    issueDate,
    dueDate: defaultDueDate(issueDate, settings.paymentTermsDays, issueDate),
  };
}

const presentLine = (line: InvoiceLine, currency: string) => ({
  description: line.description,
  quantity: quantityNumber(line.quantity),
  unitPrice: formatDecimal(line.unitPrice, exponentOf(currency)),
  amount: formatMoney(line.amount, currency),
  periodStart: line.periodStart,
  periodEnd: line.periodEnd,
  kind: line.kind,
});
