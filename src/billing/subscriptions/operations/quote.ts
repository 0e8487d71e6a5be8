import type { PlanChangePreview } from '../../../../generated/types.gen.ts';
import { addMilliseconds, type Instant } from '../../../platform/calendar.ts';
import { formatDecimal } from '../../../platform/decimal.ts';
import { refuse } from '../../../platform/errors.ts';
import { exponentOf, formatMoney } from '../../../platform/money.ts';
import { sha256, type Vault } from '../../../platform/secrets.ts';
import type { Billing } from '../../billing.ts';
import { compose } from '../../invoices/draft.ts';
import type { InvoiceOutput } from '../../pricing/compose.ts';
import { type LineInput, lineAmount } from '../../pricing/lines.ts';
import { quantityNumber } from '../../pricing/quantity.ts';
import { draftsOf } from '../lifecycle/bill-draft.ts';
import type { Outcome, TermsChange } from '../lifecycle/outcome.ts';
import { type Reversible, reversalsOf } from '../store/unused-credit.ts';
import type { BillingPeriod } from '../subscription.ts';
import { rateUsage } from '../usage/rating.ts';
import type { Decision } from './terms.ts';

/** How long a quote holds (rules Q8). */
const QUOTE_MS = 15 * 60_000;

/** The invoices that billed a period, in any order. */
export type BilledBy = (row: BillingPeriod) => Promise<readonly Reversible[]>;

/** What a change comes to: the members of the preview but the token (rules Q8). */
export type Figures = Omit<PlanChangePreview, 'quoteToken' | 'quoteExpiresAt'>;

/** Computes what `writeOutcomes` would issue for the change in the outcome, with the same functions; stores nothing. */
export async function figuresOf(
  billing: Billing,
  outcome: Outcome,
  decision: Decision,
  billedBy: BilledBy,
): Promise<Figures> {
  const { change, sub } = outcome;
  const money = (minor: bigint) => formatMoney(minor, sub.currency);
  const ratings = await rateUsage(billing.work.db, [outcome]);
  const [charged] = draftsOf(billing, outcome, ratings).filter(({ bill }) => bill === change?.bill);
  const invoice = charged?.draft ? await compose(billing, charged.draft, false) : null;
  const notes = change?.row && change.reverse > 0n ? reversalsOf(await billedBy(change.row), change.reverse) : [];
  const sum = (amounts: bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
  const { unused, remaining } = change ?? { unused: 0n, remaining: 0n };
  return {
    lines: change ? linesOf(change, invoice, sub.currency) : [],
    credit: money(unused),
    charge: money(remaining),
    net: money(remaining - unused),
    taxAmount: money((invoice?.taxAmount ?? 0n) - sum(notes.map(({ tax }) => tax))),
    total: money((invoice?.total ?? 0n) - sum(notes.map(({ gross }) => gross))),
    currency: sub.currency,
    effectiveAt: decision.at,
  };
}

/** Both sides of a change within the period; the credit and the new period's lines after a change of cycle. */
function linesOf({ lines, bill }: TermsChange, invoice: InvoiceOutput | null, currency: string): Figures['lines'] {
  const billed = bill?.lines ? [] : (invoice?.lines ?? []);
  return [...lines.map((line) => ({ ...line, amount: lineAmount(line, currency) })), ...billed].map((line) =>
    presentLine(line, currency),
  );
}

type Shown = Pick<LineInput, 'description' | 'quantity' | 'unitPrice' | 'periodStart' | 'periodEnd'> & {
  kind: InvoiceOutput['lines'][number]['kind'];
  amount: bigint;
};
const presentLine = (line: Shown, currency: string): Figures['lines'][number] => ({
  description: line.description,
  quantity: quantityNumber(line.quantity),
  unitPrice: formatDecimal(line.unitPrice, exponentOf(currency)),
  amount: formatMoney(line.amount, currency),
  periodStart: line.periodStart ?? null,
  periodEnd: line.periodEnd ?? null,
  kind: line.kind,
});

/** What a token says: which change of which version of which subscription, when, and what came of it. */
interface Quote {
  subscription: string;
  version: number;
  t: Instant;
  /** Of the arguments and of the figures. */
  hash: string;
  expires: Instant;
}

/** Throws AppError `quote_stale`. */
const stale = (why: string) => refuse('quote_stale', `${why} Ask for a new preview.`);

/** The instant and the numbers of a change, pinned for 15 minutes (rules Q8). `at` is the instant it was asked at. */
export function writeQuote(vault: Vault, outcome: Outcome, decision: Decision, figures: Figures, at: Instant) {
  const quoteExpiresAt = addMilliseconds(at, QUOTE_MS);
  const { id: subscription, version } = outcome.sub;
  const quote: Quote = { subscription, version, t: at, hash: hashOf(decision, figures), expires: quoteExpiresAt };
  const payload = Buffer.from(JSON.stringify(quote)).toString('base64url');
  return { quoteToken: `${payload}.${vault.sign('quote', payload)}`, quoteExpiresAt };
}

/** Reads a token of ours for this subscription that still holds. Throws AppError `quote_stale`. */
export function readQuote(vault: Vault, token: string, subscription: string, now: Instant): Quote {
  const [payload = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || !vault.isSigned('quote', payload, signature))
    throw stale('This is not a quote of this server.');
  const quote: Quote = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  if (quote.subscription !== subscription) throw stale('The quote is for another subscription.');
  if (quote.expires <= now) throw stale('The quote has expired.');
  return quote;
}

/** Throws AppError `quote_stale` when the change is not the one that was quoted, or came to something else (rules Q8). */
export function checkQuote(quote: Quote, decision: Decision, figures: Figures): void {
  if (hashOf(decision, figures) !== quote.hash) throw stale('The change is not, or no longer, what was quoted.');
}

/** Throws AppError `quote_stale` when the subscription is not as it was quoted. */
export function checkQuotedVersion(quote: Quote, outcome: Outcome): void {
  if (outcome.sub.version !== quote.version) throw stale('The subscription has changed since.');
}

function hashOf({ target, prorate, effective, at }: Decision, figures: Figures): string {
  const { version, quantity, billingCycle } = target;
  return sha256(JSON.stringify([version.planId, version.id, quantity, billingCycle, prorate, effective, at, figures]));
}
