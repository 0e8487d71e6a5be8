import type { Instant } from '../../platform/calendar.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../../platform/decimal.ts';
import type { InvoiceInput } from './compose.ts';
import type { DiscountInput } from './discounts.ts';
import type { LineInput, LineKind } from './lines.ts';
import type { TaxInput } from './tax.ts';

/** An InvoiceInput as JSON: decimals as plain text, amounts as text of minor units, absent members left out. */
export interface InvoiceInputText {
  readonly currency: string;
  readonly lines: readonly LineText[];
  readonly discounts: readonly DiscountText[];
  readonly tax: TaxText | null;
  readonly creditBalance: string;
  readonly applyCredits: boolean;
}

type TaxText = Omit<TaxInput, 'rate'> & { readonly rate: string };

interface LineText {
  readonly kind: LineKind;
  readonly description: string;
  readonly quantity: string;
  readonly unitPrice: string;
  readonly amount?: string;
  readonly exact?: readonly [string, string];
  readonly productId?: string;
  readonly planId?: string;
  readonly planVersionId?: string;
  readonly billingPeriodId?: string;
  readonly periodStart?: Instant;
  readonly periodEnd?: Instant;
  readonly late?: true;
  readonly facts?: Readonly<Record<string, string>>;
}

interface DiscountText {
  readonly id: string;
  readonly code: string;
  readonly type: DiscountInput['type'];
  readonly value: string;
  readonly planIds: readonly string[];
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
}

/** The input as JSON-able text, exact. */
export function writeInput(input: InvoiceInput): InvoiceInputText {
  return {
    currency: input.currency,
    lines: input.lines.map(writeLine),
    discounts: input.discounts.map(({ id, code, type, value, planIds, startsAt, endsAt }) => {
      const text = typeof value === 'bigint' ? value.toString() : formatDecimal(value);
      return { id, code, type, value: text, planIds: [...planIds], startsAt, endsAt };
    }),
    tax: input.tax && { ...input.tax, rate: formatDecimal(input.tax.rate) },
    creditBalance: input.creditBalance.toString(),
    applyCredits: input.applyCredits,
  };
}

function writeLine(line: LineInput): LineText {
  const { productId, planId, planVersionId, billingPeriodId, periodStart, periodEnd } = line;
  const ids = { productId, planId, planVersionId, billingPeriodId, periodStart, periodEnd };
  return {
    kind: line.kind,
    description: line.description,
    quantity: formatDecimal(line.quantity),
    unitPrice: formatDecimal(line.unitPrice),
    ...(line.amount === undefined ? {} : { amount: line.amount.toString() }),
    ...(line.exact === undefined ? {} : { exact: [line.exact.n.toString(), line.exact.d.toString()] as const }),
    ...Object.fromEntries(Object.entries(ids).filter(([, value]) => value != null)),
    ...(line.late === true ? { late: true as const } : {}),
    ...(line.facts === undefined ? {} : { facts: line.facts }),
  };
}

/** The inverse of writeInput. */
export function readInput(text: InvoiceInputText): InvoiceInput {
  return {
    currency: text.currency,
    lines: text.lines.map(readLine),
    discounts: text.discounts.map(readDiscount),
    tax: text.tax && { ...text.tax, rate: parseDecimal(text.tax.rate) },
    creditBalance: BigInt(text.creditBalance),
    applyCredits: text.applyCredits,
  };
}

function readLine({ quantity, unitPrice, amount, exact, ...rest }: LineText): LineInput {
  return {
    ...rest,
    quantity: parseDecimal(quantity),
    unitPrice: parseDecimal(unitPrice),
    ...(amount === undefined ? {} : { amount: BigInt(amount) }),
    ...(exact === undefined ? {} : { exact: { n: BigInt(exact[0]), d: BigInt(exact[1]) } }),
  };
}

function readDiscount({ type, value, ...rest }: DiscountText): DiscountInput {
  if (type === 'fixed_amount') return { ...rest, type, value: BigInt(value) };
  const percent: Decimal = parseDecimal(value);
  return { ...rest, type, value: percent };
}
