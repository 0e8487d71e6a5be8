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
  /** Credit notes, gross, and the tax in them. */
  notes: bigint;
  notesTax: bigint;
  /** What credit notes took off the amount due (I3). */
  notesDue: bigint;
  due: bigint;
  status: 'issued' | 'paid' | 'void';
}

/** How often each thing worth a test happened, so that a property can show that it tested it. */
export const seen = new Map<string, number>();
export const saw = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);

const covers = ({ starts, ends }: Discount, start: number): boolean =>
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
  readonly tax: Tax | null;
  constructor(tax: Tax | null) {
    this.tax = tax;
  }

  /** C2, with the credit balance applied at once (I6). */
  issue(lines: Line[], discounts: Discount[]): Invoice {
    const nets = discounted(lines, discounts);
    const taxable = sum(nets);
    const tax = taxOf(taxable, this.tax);
    const inclusive = this.tax?.inclusive ?? false;
    const total = inclusive ? taxable : taxable + tax;
    const credits = least(this.balance, total);
    this.balance -= credits;
    const due = total - credits;
    const discount = sum(lines.map(({ amount }) => amount)) - taxable;
    const status = due === 0n ? 'paid' : 'issued';
    const rest = { credits, paid: 0n, notes: 0n, notesTax: 0n, notesDue: 0n, due, status } as const;
    const invoice: Invoice = { lines, nets, discount, tax, inclusive, total, ...rest };
    this.invoices.push(invoice);
    return invoice;
  }

  /** What is too much goes to the balance (A8). */
  pay(invoice: Invoice, amount: bigint): void {
    const applied = least(amount, invoice.due);
    invoice.paid += applied;
    this.balance += amount - applied;
    this.lower(invoice, applied);
  }

  private lower(invoice: Invoice, by: bigint): void {
    invoice.due -= by;
    if (invoice.due === 0n) invoice.status = 'paid';
  }

  /** A credit note: first what is still due, the rest to the balance (K3). */
  private note(invoice: Invoice, gross: bigint, tax: bigint): void {
    invoice.notes += gross;
    invoice.notesTax += tax;
    const toDue = least(gross, invoice.due);
    invoice.notesDue += toDue;
    this.balance += gross - toDue;
    if (toDue > 0n) this.lower(invoice, toDue);
  }

  /** What is left of an invoice in terms of its lines (K5). */
  private rest({ total, tax, inclusive, notes, notesTax }: Invoice): bigint {
    return inclusive ? total - notes : total - tax - (notes - notesTax);
  }

  /** Gives a base back over invoices, the newest first, each up to its rest (Q6, U7). */
  giveBack(base: bigint, invoices: Invoice[]): void {
    let left = base;
    for (const invoice of [...new Set(invoices)].sort((a, b) => this.invoices.indexOf(b) - this.invoices.indexOf(a))) {
      const rest = this.rest(invoice);
      const part = least(left, rest);
      if (part <= 0n || invoice.status === 'void') continue;
      left -= part;
      const { total, tax, notes, notesTax, inclusive } = invoice;
      const gross = inclusive ? part : round((total - notes) * part, rest);
      const share = inclusive ? this.taxPart(invoice, gross) : gross - part;
      this.note(invoice, gross, share === undefined ? tax - notesTax : share);
    }
  }

  /** K4 */
  private taxPart({ total, tax, notes, notesTax }: Invoice, gross: bigint): bigint {
    const rest = total - tax - (notes - notesTax);
    const part = round(tax * (notes + gross), total) - notesTax;
    const floor = gross > rest ? gross - rest : 0n;
    const ceiling = least(gross, tax - notesTax);
    return part < floor ? floor : least(part, ceiling);
  }

  /** Q9: void when nothing was paid or credited on it, else a credit note for all that is left. */
  withdraw(invoice: Invoice): void {
    if (invoice.status === 'issued' && invoice.paid === 0n && invoice.notes === 0n) {
      saw('withdrawn: void');
      this.balance += invoice.credits;
      Object.assign(invoice, { credits: 0n, due: 0n, status: 'void' });
    } else if (invoice.total > invoice.notes) {
      saw('withdrawn: credit note');
      this.note(invoice, invoice.total - invoice.notes, invoice.tax - invoice.notesTax);
    }
  }
}
