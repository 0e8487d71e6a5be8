import type { Db } from '../../platform/db/connect.ts';
import type { Work } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import type { Invoice } from './invoice.ts';

/** What the subscription of an invoice says about it. */
export interface SoldTerms {
  id: string;
  customerId: string;
  currency: string;
  /** Product type, which tax rules may name. */
  category: string;
}

/** What invoices, payments and credit notes ask of, and tell to, what they bill for, which stands above them. */
export interface InvoiceHooks {
  /** Locks the subscription that is billed; always before its invoice (rules X3). */
  lockSubscription(db: Db, id: string): Promise<void>;
  /** As lockSubscription, and tells what was sold; undefined when there is no such subscription. */
  lockSoldTerms(db: Db, id: string): Promise<SoldTerms | undefined>;
  /** Whether a period that the invoice billed is not billed by it any more (rules Q9). */
  isWithdrawn(db: Db, id: string): Promise<boolean>;
  /** A person calls the locked invoice paid: its amount due is booked as received by hand (rules I1). */
  markPaid(billing: Billing, invoice: Invoice): Promise<void>;
  /** An invoice of the subscription has nothing left due; its row is written. */
  settled(work: Work, subscriptionId: string): Promise<void>;
  /** A person voided the invoice; its row is written (rules I4). */
  voided(work: Work, invoice: Invoice): Promise<void>;
}

declare module '../../platform/work.ts' {
  interface Hooks {
    invoices: InvoiceHooks;
  }
}
