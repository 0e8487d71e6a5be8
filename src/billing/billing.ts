import { utcDate } from '../platform/calendar.ts';
import type { Work } from '../platform/work.ts';
import type { BillingSettings } from '../settings/billing-settings.ts';
import { loadBillingSettings } from '../settings/store.ts';
import { CreditBook } from './ledger/credit-book.ts';
import type { JournalEntry } from './ledger/entries.ts';
import { post } from './ledger/store.ts';
import { openTaxBook, type TaxBook } from './tax/tax-book.ts';
import { loadTaxRules } from './tax-rules/store.ts';

/**
 * The money side of one unit of work: what every billing verb reads and writes to. The postings and credit entries of
 * all its facts are collected and written together before the commit, after the documents they belong to.
 */
export interface Billing {
  readonly work: Work;
  readonly settings: BillingSettings;
  readonly taxes: TaxBook;
  readonly credits: CreditBook;
  readonly journal: JournalEntry[];
}

/** Opens the money side of a unit of work; what is collected in it is written before the commit, whoever opened it. */
export async function openBilling(work: Work): Promise<Billing> {
  const billing: Billing = {
    work,
    settings: await loadBillingSettings(work.db, work.runtime.config),
    taxes: openTaxBook(work, await loadTaxRules(work.db, utcDate(work.now))),
    credits: new CreditBook(work),
    journal: [],
  };
  work.beforeCommit(() => flushBilling(billing));
  return billing;
}

/** Writes the credit entries and posts the ledger so far: for a step that reads what an earlier step of the same work did. */
export async function flushBilling(billing: Billing): Promise<void> {
  billing.journal.push(...(await billing.credits.close()));
  await post(billing.work, billing.journal.splice(0));
}
