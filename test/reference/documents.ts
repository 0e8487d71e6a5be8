import { allocate, decimal, least, round, sum, type Tax, taxOf } from './prices.ts';

export interface Line {
  kind: 'plan' | 'usage' | 'proration';
  plan: string;
  amount: bigint;
  start: number;
  end: number;
}

export interface Discount {
  percent?: string;
  amount?: bigint;
  /** null = for ever */
  cycles: number | null;
  starts: number;
  ends: number | null;
  removed?: boolean;
}

/** An invoice with all that became of it. */
export interface Invoice {
  lines: Line[];
  /** What is left of each line after the discounts (M6). */
  nets: bigint[];
  discount: bigint;
  tax: bigint;
  inclusive: boolean;
  total: bigint;
  credits: bigint;
  paid: bigint;
  /** Taken back by credit notes and refunds, gross, and the tax in it. */
  reversed: bigint;
  reversedTax: bigint;
  /** Of that, by persons, as base (Q13). */
  given: bigint;
  refunded: bigint;
  /** What credit notes took off the amount due (I3). */
  notesDue: bigint;
  due: bigint;
  status: 'issued' | 'paid' | 'void';
}

/** Money received for an invoice. */
export interface Payment {
  invoice: Invoice;
  /** What is left of both to be refunded (K6). */
  applied: bigint;
  excess: bigint;
}

/** How often each thing worth a test happened, so that a property can show that it tested it. */
export const seen = new Map<string, number>();
export const saw = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);

export const covers = ({ starts, ends }: Discount, start: number): boolean =>
  starts <= start && (ends === null || start < ends);

/** D4: percentages first, each on what the one before left. Answers what is left of each line. */
export function discounted(lines: Line[], discounts: Discount[]): bigint[] {
  const nets = lines.map(({ amount }) => amount);
  const order = [...discounts.filter(({ percent }) => percent), ...discounts.filter(({ percent }) => !percent)];
  for (const discount of order) {
    const which = lines.flatMap(({ kind, start }, i) => (kind !== 'proration' && covers(discount, start) ? [i] : []));
    const rests = which.map((i) => nets[i]!);
    const rest = sum(rests);
    const off = discount.percent
      ? round(rest * decimal(discount.percent), 100n * 10n ** 12n)
      : least(discount.amount!, rest);
    const shares = allocate(off, rests);
    for (const [n, i] of which.entries()) nets[i]! -= shares[n]!;
  }
  return nets;
}

/** What a customer owns and owes in one currency. */
export class Account {
  balance = 0n;
  invoices: Invoice[] = [];
  payments: Payment[] = [];
  readonly taxAt: (instant: number) => Tax | null;
  constructor(taxAt: (instant: number) => Tax | null) {
    this.taxAt = taxAt;
  }

  /** C2, with the credit balance applied at once (I6); the tax is that of `on` (V2). */
  issue(lines: Line[], discounts: Discount[], on: number): Invoice {
    const rule = this.taxAt(on);
    const nets = discounted(lines, discounts);
    const taxable = sum(nets);
    const tax = taxOf(taxable, rule);
    const inclusive = rule?.inclusive ?? false;
    const total = inclusive ? taxable : taxable + tax;
    const credits = least(this.balance, total);
    this.balance -= credits;
    const due = total - credits;
    const discount = sum(lines.map(({ amount }) => amount)) - taxable;
    const status = due === 0n ? 'paid' : 'issued';
    const none = { paid: 0n, reversed: 0n, reversedTax: 0n, given: 0n, refunded: 0n, notesDue: 0n };
    const invoice: Invoice = { lines, nets, discount, tax, inclusive, total, credits, ...none, due, status };
    this.invoices.push(invoice);
    return invoice;
  }

  /** What is too much goes to the balance (A8). */
  pay(invoice: Invoice, amount: bigint): void {
    const applied = least(amount, invoice.due);
    invoice.paid += applied;
    this.balance += amount - applied;
    this.payments.push({ invoice, applied, excess: amount - applied });
    this.lower(invoice, applied);
  }

  private lower(invoice: Invoice, by: bigint): void {
    invoice.due -= by;
    if (invoice.due === 0n) invoice.status = 'paid';
  }

  /** A credit note: first what is still due, the rest to the balance (K3). */
  private note(invoice: Invoice, gross: bigint, tax: bigint): void {
    invoice.reversed += gross;
    invoice.reversedTax += tax;
    const toDue = least(gross, invoice.due);
    invoice.notesDue += toDue;
    this.balance += gross - toDue;
    if (toDue > 0n) this.lower(invoice, toDue);
  }

  /** What is left of an invoice in terms of its lines (K5). */
  private rest({ total, tax, inclusive, reversed, reversedTax }: Invoice): bigint {
    return inclusive ? total - reversed : total - tax - (reversed - reversedTax);
  }

  /** Gives a base back over invoices, the newest first, each up to its rest (Q6, U7). */
  giveBack(base: bigint, invoices: Invoice[]): void {
    let left = base;
    for (const invoice of [...new Set(invoices)].sort((a, b) => this.invoices.indexOf(b) - this.invoices.indexOf(a))) {
      const rest = this.rest(invoice);
      const part = least(left, rest);
      if (part <= 0n || invoice.status === 'void') continue;
      left -= part;
      const { total, tax, reversed, reversedTax, inclusive } = invoice;
      const gross = inclusive ? part : round((total - reversed) * part, rest);
      const share = inclusive ? this.taxPart(invoice, gross) : gross - part;
      this.note(invoice, gross, share === undefined ? tax - reversedTax : share);
    }
  }

  /** K4 */
  private taxPart({ total, tax, reversed, reversedTax }: Invoice, gross: bigint): bigint {
    const rest = total - tax - (reversed - reversedTax);
    const part = round(tax * (reversed + gross), total) - reversedTax;
    const floor = gross > rest ? gross - rest : 0n;
    const ceiling = least(gross, tax - reversedTax);
    return part < floor ? floor : least(part, ceiling);
  }

  /** Q9: void when nothing was paid or credited on it, else a credit note for all that is left. */
  withdraw(invoice: Invoice): void {
    if (invoice.status === 'issued' && invoice.paid === 0n && invoice.reversed === 0n) {
      saw('withdrawn: void');
      this.balance += invoice.credits;
      Object.assign(invoice, { credits: 0n, due: 0n, status: 'void' });
    } else if (invoice.total > invoice.reversed) {
      saw('withdrawn: credit note');
      this.note(invoice, invoice.total - invoice.reversed, invoice.tax - invoice.reversedTax);
    }
  }

  /** A credit note by hand (K3). False where there is not as much to credit. */
  creditByHand(invoice: Invoice, gross: bigint): boolean {
    if (invoice.status === 'void' || gross > invoice.total - invoice.reversed) return false;
    const tax = this.taxPart(invoice, gross);
    this.note(invoice, gross, tax);
    invoice.given += invoice.inclusive ? gross : gross - tax;
    saw('credited by hand');
    return true;
  }

  /** K6, K7. False where there is not as much to refund. */
  refund(payment: Payment, amount: bigint, toBalance: boolean): boolean {
    const { invoice } = payment;
    const excess = toBalance ? 0n : least(amount, least(payment.excess, this.balance));
    const applied = amount - excess;
    if (applied > payment.applied || applied > invoice.total - invoice.reversed) return false;
    payment.excess -= excess;
    payment.applied -= applied;
    this.balance += toBalance ? applied : -excess;
    saw('refunded');
    if (applied === 0n) return true;
    const tax = this.taxPart(invoice, applied);
    invoice.reversed += applied;
    invoice.reversedTax += tax;
    invoice.refunded += applied;
    invoice.given += invoice.inclusive ? applied : applied - tax;
    return true;
  }
}
