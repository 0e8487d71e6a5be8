import type { Customer, Invoice, Plan, Product, Subscription } from '../../generated/types.gen.ts';
import { sequenceEvents } from '../../src/billing/events/sequencer.ts';
import { addDays, addMonths, type Instant } from '../../src/platform/calendar.ts';
import type { Db } from '../../src/platform/db/connect.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { type Client, seedClock, startClient } from './client.ts';
import { customers, type Habit, plans, products, settings, taxRules } from './company.ts';
import { payInvoices } from './payments.ts';
import { type Step, story } from './story.ts';

interface Year {
  client: Client;
  /** Names of the story -> what the server made of them. */
  products: Map<string, Product>;
  plans: Map<string, Plan>;
  customers: Map<string, Customer>;
  subscriptions: Map<string, Subscription>;
  invoices: Map<string, Invoice>;
  habits: Map<Customer['id'], Habit>;
}

/** Whether nobody has sold anything on this database yet. */
export async function isEmpty(db: Db): Promise<boolean> {
  const rows = await Promise.all([db('products').first('id'), db('customers').first('id')]);
  return rows.every((row) => row === undefined);
}

/**
 * Lives through the year before now, day by day, by calls of the API and the real billing run, so that every row,
 * event and posting is one that the server makes itself. Returns what was made, in words.
 */
export async function seed(runtime: Runtime): Promise<string> {
  const present = runtime.clock.now();
  const start = dayStart(addMonths(present, -12));
  const clock = seedClock(start);
  const client = await startClient(runtime.config, runtime.database, clock);
  const year = emptyYear(client);
  let payments = 0;
  try {
    await openShop(year);
    for (let day = 0; addDays(start, day) <= present; day++) {
      const now = addDays(start, day);
      clock.set(now);
      await client.post('/api/billing/cron/run');
      await joinCustomers(year, day);
      for (const step of story) if (step.day === day) await perform(year, step);
      payments += await payInvoices(client, year.habits, day, now);
    }
    clock.set(present);
    await client.post('/api/billing/cron/run');
    await sequenceEvents(runtime);
  } finally {
    await client.close();
  }
  const { count } = (await runtime.database.read('invoices').count({ count: '*' }).first()) as { count: unknown };
  return `Seeded ${year.customers.size} customers, ${year.subscriptions.size} subscriptions, ${count} invoices and ${payments} payments since ${start.slice(0, 10)}.`;
}

const dayStart = (now: Instant): Instant => `${now.slice(0, 10)}T09:00:00.000Z`;

const emptyYear = (client: Client): Year => ({
  client,
  products: new Map(),
  plans: new Map(),
  customers: new Map(),
  subscriptions: new Map(),
  invoices: new Map(),
  habits: new Map(),
});

async function openShop(year: Year): Promise<void> {
  const { client } = year;
  await client.put('/api/settings/billing', settings);
  for (const rule of taxRules) await client.post('/api/billing/tax-rules', rule);
  for (const [name, product] of Object.entries(products))
    year.products.set(name, await client.post('/api/products', product));
  for (const [name, { product, ...plan }] of Object.entries(plans)) {
    const productId = year.products.get(product)!.id;
    year.plans.set(name, await client.post('/api/billing/plans', { ...plan, productId }));
  }
}

async function joinCustomers(year: Year, day: number): Promise<void> {
  for (const [name, { sinceDay, habit, ...customer }] of Object.entries(customers)) {
    if (sinceDay !== day) continue;
    const made = await year.client.post<Customer>('/api/customers', customer);
    year.customers.set(name, made);
    year.habits.set(made.id, habit);
  }
}

async function perform(year: Year, step: Step): Promise<void> {
  const { client } = year;
  const path = (name: string) => `/api/billing/subscriptions/${year.subscriptions.get(name)!.id}`;
  if ('sell' in step) {
    const ids = { customerId: year.customers.get(step.to)!.id, planId: year.plans.get(step.plan)!.id };
    year.subscriptions.set(step.sell, await client.post('/api/billing/subscriptions', { ...ids, ...step.how }));
  } else if ('change' in step) {
    await client.put(path(step.change), step.update);
  } else if ('cancel' in step) {
    await client.delete(path(step.cancel));
  } else if ('bill' in step) {
    const customerId = year.customers.get(step.to)!.id;
    year.invoices.set(step.bill, await client.post('/api/billing/invoices', { customerId, ...step.invoice }));
  } else {
    await client.put(`/api/billing/invoices/${year.invoices.get(step.void)!.id}`, { status: 'void' });
  }
}
