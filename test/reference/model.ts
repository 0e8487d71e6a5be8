import { covers, type Discount, discounted, type Line, saw } from './documents.ts';
import { type Advance, type Options, Periods, type Scheduled, type Terms } from './periods.ts';
import { addMonths, advance, allocate, billsInAdvance, type Price, round, sum, type UsageEvent } from './prices.ts';

const same = (a: Terms, b: Terms): boolean => a.price === b.price && a.quantity === b.quantity && a.months === b.months;

export class Refused extends Error {}

/**
 * One subscription of one customer, moved by hand. `now` never goes back; what is due is done before anything else (S13).
 * Throws Refused where the server must refuse.
 */
export class Reference extends Periods {
  constructor(now: number, terms: Terms, options: Options & { discount?: Discount }) {
    super(now, terms, options);
    if (options.discount) this.discounts.push(this.window(options.discount, this.anchor, 0));
    if (this.status === 'active') this.begin(now);
  }

  private window(discount: Discount, start: number, from: number): Discount {
    const { cycles } = discount;
    const ends = cycles === null ? null : addMonths(this.anchor, (from + cycles) * this.terms.months);
    return { ...discount, starts: start, ends };
  }

  private need(...statuses: string[]): void {
    if (!statuses.includes(this.status)) throw new Refused(this.status);
  }

  /** D2, D3 */
  attach(now: number, discount: Discount): void {
    this.catchUp(now);
    this.need('trialing', 'active');
    const ahead = this.attachFrom();
    const index = this.status === 'trialing' ? 0 : this.index + ahead;
    const made = this.window(discount, this.at(index), index);
    this.discounts.push(made);
    if (made.starts === this.end) this.withdrawNext();
  }

  private attachFrom(): 0 | 1 {
    return this.status === 'trialing' || billsInAdvance(this.terms.price) ? 1 : 0;
  }

  /** D5 */
  detach(now: number, discount: Discount): void {
    this.catchUp(now);
    this.need('trialing', 'active');
    if (discount.removed) return;
    const last = this.status === 'trialing' ? this.anchor : this.at(this.index + this.attachFrom());
    const covered = discount.starts <= this.end && (discount.ends === null || this.end < discount.ends);
    discount.removed = true;
    discount.ends = Math.max(discount.starts, Math.min(discount.ends ?? last, last));
    if (covered) this.withdrawNext();
  }

  /** Q1..Q7 */
  change(now: number, asked: Terms, options: { prorate: boolean; atEnd: boolean; named: boolean }): void {
    this.catchUp(now);
    this.need('trialing', 'active');
    const follows = !options.named && asked.price.model !== 'usage_based';
    const target = { ...asked, quantity: follows ? this.terms.quantity : asked.quantity };
    if (options.atEnd) {
      this.schedule({ ...target, follows });
      return;
    }
    const anew = target.months !== this.terms.months;
    if (anew && !options.prorate && this.status !== 'trialing') throw new Refused('validation_error');
    if (same(target, this.terms)) return;
    if (this.status === 'trialing') {
      this.take(target, now);
      return;
    }
    this.withdrawNext();
    if (anew) this.changeCycle(now, target);
    else this.changeWithin(now, target, options.prorate);
  }

  /** PUT of a quantity; the present one is no change, whatever the state. */
  setQuantity(now: number, quantity: number): void {
    this.catchUp(now);
    if (quantity === this.terms.quantity) return;
    this.need('trialing', 'active');
    const target = { ...this.terms, quantity };
    const waiting = this.scheduled;
    const moved = waiting?.follows ? { ...waiting, quantity } : waiting;
    const next = moved && !same(moved, target) ? moved : null;
    if (waiting) saw('quantity with a scheduled change');
    if (!same(waiting ?? this.terms, next ?? target)) this.withdrawNext();
    if (this.status === 'trialing') this.take(target, now);
    else this.changeWithin(now, target, true, next);
    this.scheduled = next;
  }

  private schedule(target: Scheduled): void {
    if (this.ending) throw new Refused('conflict');
    const next = same(target, this.terms) ? null : target;
    if (!same(next ?? this.terms, this.scheduled ?? this.terms)) {
      saw('change at period end');
      this.withdrawNext();
    }
    this.scheduled = next;
  }

  private part(amount: bigint, now: number, from: number): bigint {
    const [end, at, since] = [this.end, now, from].map((ms) => BigInt(Math.floor(ms / 1000))) as [
      bigint,
      bigint,
      bigint,
    ];
    return end === since ? 0n : round(amount * (end - at), end - since);
  }

  /** What persons gave back of the time from `from` on, of all that billed this period (Q13). */
  private givenBack({ invoices }: Advance, from: number): bigint {
    return sum(
      invoices.map(({ lines, nets, given, status }) => {
        const mine = lines.map(({ kind, end }) => kind !== 'usage' && end === this.end);
        const net = sum(nets.filter((_, i) => mine[i]));
        if (given === 0n || status === 'void') return 0n;
        return this.part(allocate(given, [net, sum(nets) - net])[0]!, from, lines[mine.indexOf(true)]!.start);
      }),
    );
  }

  /** Q4 */
  private unused(row: Advance, now: number): bigint {
    const since = this.givenBack(row, row.forceFrom) - row.counted;
    if (since > 0n && row.forceNet > 0n) saw('given back before a change');
    return row.forceNet > since ? this.part(row.forceNet - since, now, row.forceFrom) : 0n;
  }

  /** Q5: discounts that end with this period take nothing off the new terms. */
  private lasting(next: Terms | null): Discount[] {
    const anew = next !== null && next.months !== this.terms.months;
    return this.discounts.filter((one) => covers(one, this.end) && !(anew && one.cycles !== null));
  }

  private changeWithin(now: number, target: Terms, prorate: boolean, next: Terms | null = null): void {
    const row = this.advances.get(this.start)!;
    const lines = advance(target.price, target.quantity, target.months, this.digits).map(
      (amount): Line => ({ kind: 'plan', plan: target.price.plan, amount, start: this.start, end: this.end }),
    );
    const unused = this.unused(row, now);
    const remaining = this.part(sum(discounted(lines, this.lasting(next))), now, this.start);
    const before = this.terms.price;
    this.take(target, now);
    this.switchUsage(now, before);
    row.price = target.price;
    if (!prorate) return;
    row.counted = this.givenBack(row, now);
    row.forceFrom = now;
    row.forceNet = remaining;
    saw(remaining < unused ? 'change: credit' : 'change: charge');
    if (remaining < unused) this.account.giveBack(unused - remaining, row.invoices);
    if (remaining <= unused) return;
    const span = { kind: 'proration', start: now, end: this.end } as const;
    const both: Line[] = [
      { ...span, plan: before.plan, amount: -unused },
      { ...span, plan: target.price.plan, amount: remaining },
    ];
    row.invoices.push(
      this.account.issue(
        both.filter(({ amount }) => amount !== 0n),
        this.discounts,
        now,
      ),
    );
  }

  /** Q7 */
  private switchUsage(now: number, before: Price): void {
    const after = this.terms.price;
    if (before === after || (before.model !== 'usage_based' && after.model !== 'usage_based')) return;
    for (const usage of this.usages) if (!usage.billed && usage.end > now) usage.end = Math.max(now, usage.start);
    if (after.model === 'usage_based') this.openUsage(now);
  }

  private changeCycle(now: number, target: Terms): void {
    const row = this.advances.get(this.start)!;
    saw('change of cycle');
    const unused = this.unused(row, now);
    if (unused > 0n) this.account.giveBack(unused, row.invoices);
    row.end = now;
    row.forceNet = 0n;
    for (const usage of this.usages) if (!usage.billed && usage.end > now) usage.end = Math.max(now, usage.start);
    const before = this.start;
    this.take(target, now);
    if (row.start === now) this.advances.delete(now);
    for (const discount of this.discounts)
      if (discount.ends === null) this.move(discount, now, Number.POSITIVE_INFINITY, before);
    this.begin(now, [], false);
  }

  /** Q10 */
  pause(now: number): void {
    this.catchUp(now);
    if (this.status === 'paused') return;
    this.need('active');
    this.withdrawNext();
    this.status = 'paused';
  }

  /** Q11, and the end of a trial by hand */
  resume(now: number): void {
    this.catchUp(now);
    if (this.status === 'active') return;
    this.need('trialing', 'paused');
    const trial = this.status === 'trialing';
    const left = this.discounts.map((discount) => this.covered(discount));
    this.status = 'active';
    saw(trial ? 'trial ended' : now < this.end ? 'resumed within' : 'resumed later');
    if (!trial && now < this.end) {
      this.bill([], null, true);
      return;
    }
    const before = this.start;
    this.applyScheduled(now);
    for (const [i, discount] of this.discounts.entries()) this.move(discount, now, left[i]!, before);
    this.begin(now);
  }

  /** Periods after the present one that a discount covers. */
  private covered({ starts, ends }: Discount): number {
    if (ends === null) return Number.POSITIVE_INFINITY;
    let count = 0;
    for (let k = this.status === 'trialing' ? 0 : this.index + 1; this.at(k) < ends; k++)
      if (this.at(k) >= starts) count += 1;
    return count;
  }

  /** What a discount still covered, it covers of the periods that begin anew. */
  private move(discount: Discount, anchor: number, left: number, before: number): void {
    if (discount.removed || left === 0) return;
    if (discount.starts > before) discount.starts = anchor;
    if (discount.ends !== null) discount.ends = addMonths(anchor, left * this.terms.months);
  }

  /** Q12 */
  cancel(now: number): void {
    this.catchUp(now);
    if (this.status !== 'canceled') this.finish(now);
  }

  setEnding(now: number, value: boolean): void {
    this.catchUp(now);
    if (this.ending === value) return;
    this.need('trialing', 'active', 'paused');
    this.ending = value;
    if (!value) return;
    this.scheduled = null;
    this.withdrawNext();
    if (this.status === 'paused' && this.end <= now) this.finish(this.end);
  }

  setAhead(now: number, days: number): void {
    this.catchUp(now);
    if (this.ahead !== days) this.need('trialing', 'active', 'paused');
    this.ahead = days;
  }

  /** Whether usage of that instant belongs to a period that is still to be billed. */
  counts(at: number): boolean {
    return this.usages.some(({ billed, start, end }) => !billed && start <= at && at < end);
  }

  /** The caller says which events were taken in; they change what is billed at the next boundary (U6). */
  use(event: UsageEvent): UsageEvent & { voided?: boolean } {
    const kept = { ...event };
    this.events.push(kept);
    return kept;
  }
}
