import type { Config } from '../../platform/config.ts';
import type { Db } from '../../platform/db/connect.ts';
import type { BillingSettings } from '../../settings/billing-settings.ts';
import { loadBillingSettings } from '../../settings/store.ts';
import type { Invoice, Seller } from './invoice.ts';

/** The seller as the settings name it. */
export const sellerOf = (settings: BillingSettings): Seller => ({
  companyName: settings.companyName,
  companyAddress: settings.companyAddress,
  companyEmail: settings.companyEmail,
  companyTaxId: settings.companyTaxId,
  invoiceFooter: settings.invoiceFooter,
});

/** Drafts with the seller of the settings now; every other invoice keeps the one frozen at issue (rules I8). */
export async function withSellers(db: Db, config: Config, invoices: Invoice[]): Promise<Invoice[]> {
  if (!invoices.some(({ status }) => status === 'draft')) return invoices;
  const seller = sellerOf(await loadBillingSettings(db, config));
  return invoices.map((invoice) => (invoice.status === 'draft' ? { ...invoice, seller } : invoice));
}

/** As `withSellers`, of one. */
export async function withSeller(db: Db, config: Config, invoice: Invoice): Promise<Invoice> {
  const [shown] = await withSellers(db, config, [invoice]);
  return shown!;
}
