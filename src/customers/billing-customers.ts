import type { Db } from '../platform/db/connect.ts';
import { inList } from '../platform/db/in-list.ts';

/** Who is billed, as printed on the invoice; frozen at issue. */
export interface BillTo {
  name: string;
  company: string | null;
  email: string;
  address: string | null;
  city: string | null;
  state: string | null;
  zip: string | null;
  country: string | null;
  taxId: string | null;
}

/** What billing needs of a customer. */
export interface BillingCustomer {
  id: string;
  name: string;
  currency: string | null;
  billTo: BillTo;
}

/** One statement per thousand customers. */
export async function loadBillingCustomers(db: Db, ids: Iterable<string>): Promise<Map<string, BillingCustomer>> {
  const wanted = [...new Set(ids)];
  const customers = new Map<string, BillingCustomer>();
  for (let i = 0; i < wanted.length; i += 1000) {
    const rows = await db('customers').whereIn('id', inList(wanted.slice(i, i + 1000)));
    for (const row of rows)
      customers.set(row.id, {
        id: row.id,
        name: row.name,
        currency: row.currency,
        billTo: {
          name: row.name,
          company: row.company,
          email: row.billing_email ?? row.email,
          address: row.billing_address,
          city: row.billing_city,
          state: row.billing_state,
          zip: row.billing_zip,
          country: row.billing_country,
          taxId: row.tax_id,
        },
      });
  }
  return customers;
}
