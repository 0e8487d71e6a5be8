import { Account, type Discount, type Invoice, type Line, saw } from './documents.ts';
import { addMonths, advance, aggregate, type Price, round, sum, type Tax, type UsageEvent, used } from './prices.ts';

/** A period that has been billed, or found to cost nothing. */
interface Fact {
  start: number;
  end: number;
  price: Price;
  invoices: Invoice[];
}
export interface Advance extends Fact {
  /** S9 */
  forceFrom: number;
  forceNet: bigint;
  /** Given back by persons before the last change (Q13). */
  counted: bigint;
}
export interface Usage extends Fact {
  /** Start of the period it is a part of. */
  period: number;
  billed: boolean;
  quantity: bigint;
  amount: bigint;
  net: bigint;
}

export interface Terms {
  price: Price;
  quantity: number;
  months: number;
}

/** Waits for the end of the period; `follows`: no quantity was named (Q3). */
export type Scheduled = Terms & { follows: boolean };

export interface Options {
  trialDays: number;
  ahead: number;
  taxAt: (instant: number) => Tax | null;
  digits: number;
}

const DAY = 86_400_000;

/** The periods of one subscription and what they bill, in the plainest form: one fact after the other. */
export class Periods {
  readonly account: Account;
  readonly digits: number;
  terms: Terms;
  status: 'trialing' | 'active' | 'paused' | 'canceled';
  anchor: number;
  index = 0;
  start: number;
  end: number;
  ahead: number;
  ending = false;
  scheduled: Scheduled | null = null;
  now: number;
  readonly discounts: Discount[] = [];
  readonly events: (UsageEvent & { voided?: boolean })[] = [];
  protected readonly advances = new Map<number, Advance>();
  protected readonly usages: Usage[] = [];

  constructor(now: number, terms: Terms, { trialDays, ahead, taxAt, digits }: Options) {
    this.account = new Account(taxAt);
    this.now = now;
    this.digits = digits;
    this.terms = terms;
    this.ahead = ahead;
    this.anchor = now + trialDays * DAY;
    this.status = trialDays > 0 ? 'trialing' : 'active';
    this.start = now;
    this.end = this.anchor;
  }

  /** Everything that is due, the earliest first (S11). */
  catchUp(now: number): void {
    this.now = now;
    for (;;) {
      const boundary = this.status === 'paused' && !this.ending ? Number.POSITIVE_INFINITY : this.end;
      const closed = this.usages.filter(({ billed, end }) => !billed && end < this.end).map(({ end }) => end);
      const early = this.status === 'paused' ? Number.POSITIVE_INFINITY : Math.min(...closed);
      const before = this.billsAhead() ? Math.max(this.end - this.ahead * DAY, this.start) : Number.POSITIVE_INFINITY;
      const at = Math.min(boundary, early, before);
      if (this.status === 'canceled' || at > now) break;
      if (boundary === at) this.cross(this.end);
      else if (before === at) this.bill([], this.end);
      else this.bill(this.closed(at), null);
    }
    if (this.status === 'canceled') this.bill(this.closed(now), null, true);
  }

  protected billsAhead(): boolean {
    return this.status === 'active' && !this.ending && !this.advances.has(this.end);
  }

  protected at(index: number): number {
    return addMonths(this.anchor, index * this.terms.months);
  }

  /** Periods begin anew at `anchor`; usage that is closed goes on the same invoice. */
  protected begin(anchor: number, closed = this.closed(anchor), late = true): void {
    this.anchor = anchor;
    this.index = 0;
    this.enter(closed, late);
  }

  protected enter(closed: Usage[], late: boolean): void {
    this.start = this.at(this.index);
    this.end = this.at(this.index + 1);
    if (this.terms.price.model === 'usage_based') this.openUsage(this.start);
    this.bill(closed, this.start, late);
  }

  protected openUsage(start: number): void {
    const known = this.usages.find((row) => row.start === start && !row.billed);
    const row = {
      start,
      end: this.end,
      period: this.start,
      price: this.terms.price,
      invoices: [],
      billed: false,
      quantity: 0n,
      amount: 0n,
      net: 0n,
    };
    if (known) Object.assign(known, row);
    else this.usages.push(row);
  }

  protected closed(until: number): Usage[] {
    return this.usages.filter(({ billed, end }) => !billed && end <= until);
  }

  protected cross(at: number): void {
    if (this.ending) {
      this.finish(at);
      return;
    }
    const trial = this.status === 'trialing';
    const { months } = this.terms;
    this.applyScheduled(at);
    if (trial) this.status = 'active';
    if (trial || this.terms.months !== months) {
      this.begin(at);
      return;
    }
    this.index += 1;
    this.enter(this.closed(at), true);
  }

  protected applyScheduled(at: number): void {
    if (this.scheduled) this.take(this.scheduled, at);
  }

  /** D5: with another cycle every discount ends that was given for a number of cycles. */
  protected take(terms: Terms, at: number): void {
    for (const discount of terms.months === this.terms.months ? [] : this.discounts) {
      if ((discount.cycles === null && !discount.removed) || (discount.ends !== null && discount.ends <= at)) continue;
      discount.removed = true;
      discount.ends = Math.max(discount.starts, at);
    }
    this.terms = terms;
    this.scheduled = null;
  }

  protected aggregateOf({ price, start, end }: Usage): bigint {
    const events = this.events.filter(({ at, voided }) => !voided && start <= at && at < end);
    return aggregate(price.aggregation!, events);
  }

  /** U8: what the same metric was used in the earlier parts of the period, back to where it was counted otherwise. */
  protected usedBefore(usage: Usage): bigint {
    const { aggregation: kind, tiers } = usage.price;
    if (!tiers || (kind !== 'sum' && kind !== 'count')) return 0n;
    const parts = this.usages.filter(({ period, start }) => period === usage.period && start < usage.start);
    parts.sort((a, b) => b.start - a.start);
    const other = parts.findIndex(({ price }) => price.aggregation !== kind);
    const same = other < 0 ? parts : parts.slice(0, other);
    if (same.length === 0) return 0n;
    const before = sum(same.map((part) => this.aggregateOf(part)));
    if (before > 0n) saw('tiers went on');
    return before > 0n ? before : 0n;
  }

  protected priceOf(usage: Usage): bigint[] {
    return used(usage.price, usage.quantity, this.digits, this.usedBefore(usage));
  }

  /** One invoice: the advance of the period that starts at `start`, usage that is closed, and late usage at a boundary (S8). */
  protected bill(closed: Usage[], start: number | null, late = false): void {
    const ahead = start !== null && start === this.end;
    const lines: Line[] = [];
    const row = start === null || this.advances.has(start) ? null : this.newAdvance(start);
    if (row)
      for (const amount of this.amounts(row))
        lines.push({ kind: 'plan', plan: row.price.plan, amount, start: row.start, end: row.end });
    const owners: (Usage | null)[] = lines.map(() => null);
    for (const usage of closed) {
      usage.quantity = this.aggregateOf(usage);
      usage.billed = true;
      for (const amount of this.priceOf(usage)) {
        lines.push({ kind: 'usage', plan: usage.price.plan, amount, start: usage.start, end: usage.end });
        owners.push(usage);
      }
    }
    if (late)
      for (const usage of this.usages)
        if (usage.billed && !closed.includes(usage)) this.rateAgain(usage, lines, owners);
    if (row) this.advances.set(row.start, row);
    if (lines.length === 0) return;
    const anew = ahead && (this.scheduled ?? this.terms).months !== this.terms.months;
    const discounts = this.discounts.filter(({ cycles }) => !anew || cycles === null);
    const invoice = this.account.issue(lines, discounts, Math.max(this.now, ahead ? start : 0));
    if (row) {
      row.forceNet = sum(invoice.nets.filter((_, i) => lines[i]!.kind === 'plan'));
      if (lines.some(({ kind }) => kind === 'plan')) row.invoices.push(invoice);
    }
    for (const [i, owner] of owners.entries()) {
      if (!owner) continue;
      owner.amount += lines[i]!.amount;
      owner.net += invoice.nets[i]!;
      if (!owner.invoices.includes(invoice)) owner.invoices.push(invoice);
    }
  }

  /** U7 */
  protected rateAgain(usage: Usage, lines: Line[], owners: (Usage | null)[]): void {
    usage.quantity = this.aggregateOf(usage);
    const difference = sum(this.priceOf(usage)) - usage.amount;
    if (difference > 0n) {
      saw('late usage');
      lines.push({ kind: 'usage', plan: usage.price.plan, amount: difference, start: usage.start, end: usage.end });
      owners.push(usage);
    }
    if (difference >= 0n) return;
    saw('usage corrected');
    const base = round(-difference * usage.net, usage.amount);
    this.account.giveBack(base, usage.invoices);
    usage.amount += difference;
    usage.net -= base;
  }

  protected newAdvance(start: number): Advance {
    const next = start === this.end && this.status !== 'trialing';
    const terms = (next && this.scheduled) || this.terms;
    const anew = terms.months !== this.terms.months;
    const end = !next ? this.end : anew ? addMonths(start, terms.months) : this.at(this.index + 2);
    return { start, end, price: terms.price, invoices: [], forceFrom: start, forceNet: 0n, counted: 0n };
  }

  protected amounts({ start, price }: Advance): bigint[] {
    const { quantity, months } = (start === this.end && this.scheduled) || this.terms;
    return advance(price, quantity, months, this.digits);
  }

  /** Q9 */
  protected withdrawNext(): void {
    const row = this.advances.get(this.end);
    if (!row || row.start <= this.start) return;
    for (const invoice of row.invoices) this.account.withdraw(invoice);
    this.advances.delete(row.start);
  }

  protected finish(at: number): void {
    this.withdrawNext();
    this.status = 'canceled';
    this.scheduled = null;
    for (const usage of this.usages) if (!usage.billed && usage.end > at) usage.end = Math.max(at, usage.start);
    this.bill(
      this.usages.filter(({ billed }) => !billed),
      null,
      true,
    );
  }
}
