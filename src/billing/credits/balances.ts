import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';

export interface CreditBalance {
  currency: string;
  /** Minor units. */
  balance: bigint;
}

/** The credit balances of these customers by currency; a customer without any is absent. */
export async function creditBalancesOf(db: Db, customerIds: Iterable<string>): Promise<Map<string, CreditBalance[]>> {
  const rows = await db('credit_balances')
    .whereIn('customer_id', inList(customerIds))
    .orderBy(['customer_id', 'currency'])
    .select('customer_id', 'currency', 'balance');
  const balances = new Map<string, CreditBalance[]>();
  for (const row of rows) {
    const list = balances.get(row.customer_id) ?? [];
    list.push({ currency: row.currency, balance: money(row.balance) });
    balances.set(row.customer_id, list);
  }
  return balances;
}
