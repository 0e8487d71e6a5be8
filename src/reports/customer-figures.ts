import { type CreditBalance, creditBalancesOf } from '../billing/credits/balances.ts';
import { customersInArrears } from '../billing/invoices/figures.ts';
import { customersWhoPaid } from '../billing/payments/figures.ts';
import { subscriptionHealth } from '../billing/subscriptions/store/health.ts';
import { customersWhoUsed } from '../billing/usage/figures.ts';
import { type Customer, type HealthFacts, healthScore } from '../customers/customer.ts';
import type { CustomerFigures, ProductRef } from '../customers/hooks.ts';
import { customersWithDevices } from '../licenses/figures.ts';
import { addDays, type Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import { holdingsOf } from './holdings.ts';

const NO_SUBSCRIPTION = { live: false, troubled: false, ending: false };

/** The figures of a page of customers, in a number of statements that does not depend on the page. */
export async function customerFigures(
  db: Db,
  customers: Customer[],
  defaultCurrency: string,
  now: Instant,
): Promise<(customer: Customer) => CustomerFigures> {
  const ids = customers.map(({ id }) => id);
  const balances = await creditBalancesOf(db, ids);
  const products = await productsOf(db, ids);
  const subscriptions = await subscriptionHealth(db, ids);
  const paid = await customersWhoPaid(db, ids, addDays(now, -90));
  const overdue = await customersInArrears(db, ids, now);
  const seen = await customersWhoUsed(db, ids, addDays(now, -30));
  const devices = await customersWithDevices(db, ids, addDays(now, -30));
  return ({ id, currency }) =>
    assemble(currency ?? defaultCurrency, balances.get(id) ?? [], products.get(id) ?? [], {
      ...(subscriptions.get(id) ?? NO_SUBSCRIPTION),
      paid: paid.has(id),
      seen: seen.has(id) || devices.has(id),
      overdue: overdue.has(id),
    });
}

/** The figures of a customer that is new. */
export const newCustomerFigures = ({ currency }: Customer, defaultCurrency: string): CustomerFigures =>
  assemble(currency ?? defaultCurrency, [], [], { ...NO_SUBSCRIPTION, paid: false, seen: false, overdue: false });

function assemble(
  creditCurrency: string,
  creditBalances: CreditBalance[],
  products: ProductRef[],
  health: HealthFacts,
): CustomerFigures {
  return {
    healthScore: healthScore(health),
    creditBalance: creditBalances.find(({ currency }) => currency === creditCurrency)?.balance ?? 0n,
    creditCurrency,
    creditBalances,
    products,
  };
}

/** By name, then id. */
async function productsOf(db: Db, ids: string[]): Promise<Map<string, ProductRef[]>> {
  const products = new Map<string, ProductRef[]>();
  for (const { customerId, productId, name, productType } of await holdingsOf(db, ids)) {
    const list = products.get(customerId) ?? [];
    list.push({ id: productId, name, productType });
    products.set(customerId, list);
  }
  const rank = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  for (const list of products.values()) list.sort((a, b) => rank(a.name, b.name) || rank(a.id, b.id));
  return products;
}
