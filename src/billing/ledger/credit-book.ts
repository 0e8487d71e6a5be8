import { updateRows } from '../../platform/db/bulk.ts';
import { money } from '../../platform/db/columns.ts';
import { invalid, refuse } from '../../platform/errors.ts';
import { formatMoney, MAX_AMOUNT } from '../../platform/money.ts';
import type { Work } from '../../platform/work.ts';
import type { CreditEntry, CreditReason } from './credit-entry.ts';
import { creditAppliedLines, creditManualLines, creditReturnedLines, type JournalEntry } from './entries.ts';
import { insertCreditEntries } from './store.ts';

export interface CreditMove {
  customerId: string;
  currency: string;
  /** Minor units: positive deposits, negative uses. */
  amount: bigint;
  reason: CreditReason;
  description: string;
  invoiceId?: string | null;
  paymentId?: string | null;
  creditNoteId?: string | null;
  refundId?: string | null;
}

interface Balance {
  customerId: string;
  currency: string;
  balance: bigint;
  lastSeq: number;
  changed: boolean;
}

/**
 * The credit balances a unit of work uses: locked once, in order, carried on in memory, written once (rules K1, X3).
 * `open` must be called before any balance is read; `close` writes balances and entries.
 */
export class CreditBook {
  readonly #work: Work;
  readonly #balances = new Map<string, Balance>();
  readonly #opened = new Set<string>();
  readonly #entries: CreditEntry[] = [];
  readonly #journal: JournalEntry[] = [];

  constructor(work: Work) {
    this.#work = work;
  }

  /** Locks the balances of these customers; those opened before keep what this work has made of them. */
  async open(customerIds: Iterable<string>): Promise<void> {
    const ids = [...new Set(customerIds)].filter((id) => !this.#opened.has(id)).sort();
    for (const id of ids) this.#opened.add(id);
    for (let i = 0; i < ids.length; i += 1000) {
      const rows = await this.#work
        .db('credit_balances')
        .whereIn('customer_id', ids.slice(i, i + 1000))
        .orderBy(['customer_id', 'currency'])
        .forNoKeyUpdate();
      for (const row of rows)
        if (!this.#balances.has(`${row.customer_id} ${row.currency}`))
          this.#add(row.customer_id, row.currency, money(row.balance), Number(row.last_seq));
    }
  }

  balanceOf(customerId: string, currency: string): bigint {
    return this.#balances.get(`${customerId} ${currency}`)?.balance ?? 0n;
  }

  /** Records one entry, its event, and its posting where no other fact posts it. Throws `insufficient_credit`, `validation_error`. */
  async move(move: CreditMove): Promise<CreditEntry> {
    const balance = await this.#balance(move.customerId, move.currency);
    const after = balance.balance + move.amount;
    if (after > MAX_AMOUNT) throw invalid({ amount: 'makes the credit balance too large' });
    if (after < 0n) throw refuse('insufficient_credit', 'The credit balance does not hold this amount.');
    balance.balance = after;
    balance.lastSeq += 1;
    balance.changed = true;
    const entry: CreditEntry = {
      id: this.#work.newId(),
      customerId: move.customerId,
      currency: move.currency,
      seq: balance.lastSeq,
      amount: move.amount,
      balanceAfter: after,
      reason: move.reason,
      description: move.description,
      invoiceId: move.invoiceId ?? null,
      paymentId: move.paymentId ?? null,
      creditNoteId: move.creditNoteId ?? null,
      refundId: move.refundId ?? null,
      createdAt: this.#work.now,
    };
    this.#entries.push(entry);
    this.#post(entry);
    this.#emit(entry);
    return entry;
  }

  /** Writes balances and entries; the postings are handed back for the ledger. */
  async close(): Promise<JournalEntry[]> {
    const changed = [...this.#balances.values()].filter((balance) => balance.changed);
    await updateRows(
      this.#work.db,
      'credit_balances',
      ['customer_id', 'currency'],
      changed.map((b) => ({
        customer_id: b.customerId,
        currency: b.currency,
        balance: Number(b.balance),
        last_seq: b.lastSeq,
      })),
    );
    await insertCreditEntries(this.#work.db, this.#entries.splice(0));
    for (const balance of changed) balance.changed = false;
    return this.#journal.splice(0);
  }

  /** A balance that does not exist yet is made, and thereby locked, when it is first needed. */
  async #balance(customerId: string, currency: string): Promise<Balance> {
    const known = this.#balances.get(`${customerId} ${currency}`);
    if (known) return known;
    const { db } = this.#work;
    const key = { customer_id: customerId, currency };
    await db('credit_balances')
      .insert({ ...key, balance: 0, last_seq: 0 })
      .onConflict(['customer_id', 'currency'])
      .ignore();
    const [row] = await db('credit_balances').where(key).forNoKeyUpdate();
    return this.#add(customerId, currency, money(row.balance), Number(row.last_seq));
  }

  #add(customerId: string, currency: string, balance: bigint, lastSeq: number): Balance {
    const made = { customerId, currency, balance, lastSeq, changed: false };
    this.#balances.set(`${customerId} ${currency}`, made);
    return made;
  }

  #post({ id, currency, customerId, invoiceId, amount, reason }: CreditEntry): void {
    const base = { factId: id, currency, customerId, invoiceId };
    if (reason === 'invoice_application')
      this.#journal.push({ ...base, factType: 'credit.applied', lines: creditAppliedLines(-amount) });
    else if (reason === 'invoice_void')
      this.#journal.push({ ...base, factType: 'credit.returned', lines: creditReturnedLines(amount) });
    else if (reason === 'manual')
      this.#journal.push({ ...base, factType: 'credit.manual', lines: creditManualLines(amount) });
  }

  #emit({ id, customerId, currency, invoiceId, reason, ...entry }: CreditEntry): void {
    const amount = formatMoney(entry.amount < 0n ? -entry.amount : entry.amount, currency);
    const balance = formatMoney(entry.balanceAfter, currency);
    const at = { customerId, resourceType: 'creditEntry', resourceId: id };
    if (entry.amount > 0n)
      this.#work.emit({
        type: 'credit.deposited',
        ...at,
        data: { creditEntryId: id, customerId, amount, balance, currency, reason, invoiceId },
      });
    else if (reason === 'invoice_application')
      this.#work.emit({
        type: 'credit.applied',
        ...at,
        data: { creditEntryId: id, customerId, invoiceId, amount, balance, currency },
      });
  }
}
