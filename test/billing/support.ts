import { expect } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { formatMoney } from '../../src/platform/money.ts';
import { type StartOptions, startApp, type TestApp } from '../support/app.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read any member of any answer; the contract check is on
export type Entity = any;

const started: TestApp[] = [];

/** A server for one test; `closeApps` proves its invariants and ends it. */
export async function startAt(now: string, options: StartOptions = {}): Promise<TestApp> {
  const app = await startApp({ now, ...options });
  started.push(app);
  return app;
}

/** For afterEach: whatever a test did, a run gets through and the books are right (rules §20). */
export async function closeApps(): Promise<void> {
  for (const app of started.splice(0)) {
    try {
      await runLifecycle(app.runtime);
      await app.drain();
      expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
    } finally {
      await app.close();
    }
  }
}

/** One lifecycle run at the present instant of the clock; nothing may fail in it. */
export async function run(app: TestApp): Promise<Entity> {
  const answer = await app.cron.post('/api/billing/cron/lifecycle');
  expect(answer.body).toMatchObject({ asOf: app.clock.now(), errors: [] });
  return answer.body;
}

export async function dunning(app: TestApp): Promise<Entity> {
  return (await app.cron.post('/api/billing/cron/dunning')).body;
}

/** Runs every `hours` hours from now until `end`, inclusive. */
export async function runEvery(app: TestApp, hours: number, end: string): Promise<void> {
  for (;;) {
    expect((await runLifecycle(app.runtime)).errors).toEqual([]);
    if (app.clock.now() >= end) return;
    app.clock.advance({ hours });
    if (app.clock.now() > end) return;
  }
}

/** Moves the clock and runs once. */
export async function runAt(app: TestApp, now: string): Promise<Entity> {
  app.clock.set(now);
  return run(app);
}

export const subscriptionOf = async (app: TestApp, id: string): Promise<Entity> =>
  (await app.api.get(`/api/billing/subscriptions/${id}`)).body;

export const putSubscription = (app: TestApp, id: string, body: unknown, headers = {}) =>
  app.api.put(`/api/billing/subscriptions/${id}`, body, headers);

export const changePlan = (app: TestApp, id: string, body: Entity, headers = {}) =>
  app.api.post(`/api/billing/subscriptions/${id}/change-plan`, body, headers);

export const previewChange = (app: TestApp, id: string, body: Entity) =>
  app.api.post(`/api/billing/subscriptions/${id}/change-plan/preview`, body);

export const putInvoice = (app: TestApp, id: string, body: unknown, headers = {}) =>
  app.api.put(`/api/billing/invoices/${id}`, body, headers);

export const pay = (app: TestApp, invoiceId: string, amount: string, more: Entity = {}) =>
  app.api.post('/api/billing/payments', { invoiceId, amount, paymentMethod: 'bank_transfer', ...more });

/** Oldest first. */
export async function invoicesOf(app: TestApp, subscriptionId: string): Promise<Entity[]> {
  return (await app.api.get(`/api/billing/invoices?limit=1000&subscriptionId=${subscriptionId}`)).body.toReversed();
}

/** A manual adjustment of a credit balance. */
export const adjust = (app: TestApp, customerId: string, amount: string, more: Entity = {}) =>
  app.api.post('/api/billing/credits', { customerId, amount, description: 'Goodwill', ...more });

export const credit = (app: TestApp, invoiceId: string, amount: string, more: Entity = {}) =>
  app.api.post('/api/billing/credit-notes', { invoiceId, amount, reason: 'An outage', ...more });

export const putNote = (app: TestApp, id: string, body: unknown) =>
  app.api.put(`/api/billing/credit-notes/${id}`, body);

export const refund = (app: TestApp, paymentId: string, amount: string, more: Entity = {}) =>
  app.api.post('/api/billing/refunds', { paymentId, amount, reason: 'Too much', ...more });

export const invoiceOf = async (app: TestApp, id: string): Promise<Entity> =>
  (await app.api.get(`/api/billing/invoices/${id}`)).body;

const day = (instant: string) => instant.slice(0, 10);

/** `issued day: first day - last day` of each invoice; void ones and the time of day are left out. */
export const billedPeriods = async (app: TestApp, subscriptionId: string): Promise<string[]> =>
  (await invoicesOf(app, subscriptionId))
    .filter(({ status }) => status !== 'void')
    .map(({ issuedAt, lineItems: [line] }) => `${day(issuedAt)}: ${day(line.periodStart)} - ${day(line.periodEnd)}`);

/** Events of a customer in the order of their sequence. */
export async function eventsOf(app: TestApp, customerId: string, query = ''): Promise<Entity[]> {
  await app.drain();
  return (await app.api.get(`/api/billing/events?limit=1000&customerId=${customerId}${query}`)).body.toReversed();
}

export const eventTypesOf = async (app: TestApp, customerId: string): Promise<string[]> =>
  (await eventsOf(app, customerId)).map(({ type }) => type);

/** The period rows of a subscription as `kind start: state`, in order. */
export async function periodRows(app: TestApp, subscriptionId: string): Promise<string[]> {
  const rows: Entity[] = await app.database
    .read('billing_periods')
    .where({ subscription_id: subscriptionId })
    .orderBy(['period_start', 'kind']);
  return rows.map((row) => `${row.kind} ${day(row.period_start)}: ${row.state}`);
}

/** The credit balance in minor units of the currency, written with its decimals. */
export async function balanceOf(app: TestApp, customerId: string, currency = 'USD'): Promise<string> {
  const [row] = await app.database.read('credit_balances').where({ customer_id: customerId, currency });
  return formatMoney(BigInt(row?.balance ?? 0), currency);
}

/** The lines of one posting as `{account: amount}` (rules G3); undefined when the fact was not posted. */
export async function posting(app: TestApp, factType: string, factId: string): Promise<Record<string, string>> {
  const rows: Entity[] = await app.database
    .read('journal_lines as l')
    .join('journal_entries as e', 'e.id', 'l.entry_id')
    .where({ 'e.fact_type': factType, 'e.fact_id': factId })
    .select('e.currency', 'l.account', 'l.amount');
  return totalsOf(rows);
}

/** Σ of all lines per account (rules G7). */
export async function trialBalance(app: TestApp, currency = 'USD'): Promise<Record<string, string>> {
  const rows: Entity[] = await app.database
    .read('journal_lines as l')
    .join('journal_entries as e', 'e.id', 'l.entry_id')
    .where('e.currency', currency)
    .select('e.currency', 'l.account', 'l.amount');
  return totalsOf(rows);
}

function totalsOf(rows: Entity[]): Record<string, string> {
  const totals = new Map<string, bigint>();
  for (const { account, amount } of rows) totals.set(account, (totals.get(account) ?? 0n) + BigInt(amount));
  return Object.fromEntries([...totals].map(([account, total]) => [account, formatMoney(total, rows[0].currency)]));
}

/** The audit rows of an entity, oldest first. */
export const auditOf = (app: TestApp, entityId: string): Promise<Entity[]> =>
  app.database.read('audit_log').where({ entity_id: entityId }).orderBy('id');

/** The MRR movements of a customer, oldest first: `kind delta -> customer's MRR (cause)`, minor units. */
export async function movementsOf(app: TestApp, customerId: string): Promise<string[]> {
  const rows: Entity[] = await app.database
    .read('mrr_movements')
    .where({ customer_id: customerId })
    .orderBy(['at', 'id']);
  return rows.map((row) => `${row.kind} ${row.delta} -> ${row.customer_mrr} (${row.cause})`);
}
