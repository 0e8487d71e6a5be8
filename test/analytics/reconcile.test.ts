import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { proveInvariants } from '../../src/analytics/prove.ts';
import { reconcileIsolated } from '../../src/billing/audit/isolated.ts';
import { boundedBy, within } from '../../src/platform/bounds.ts';
import { execute } from '../../src/platform/db/sql.ts';
import { adjust, credit, type Entity, invoiceOf, pay, putInvoice, refund } from '../billing/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { loosen } from '../support/loosen.ts';

const apps: TestApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(): Promise<TestApp> {
  const app = await startApp({ now: '2026-03-15T10:30:00.000Z' });
  apps.push(app);
  return app;
}

const reconcile = async (app: TestApp, query = ''): Promise<Entity> => {
  const answer = await app.api.get(`/api/analytics/reconcile${query}`);
  expect(answer.status).toBe(200);
  return answer.body;
};
/** `class total (entries)` of the ledger. */
const classes = ({ rows }: Entity): string[] =>
  rows.map((row: Entity) => `${row.classification} ${row.currency} ${row.ledgerTotal} (${row.ledgerCount})`);

/** Money of every class: sold, billed, paid, credited, refunded. */
async function tellStory(app: TestApp): Promise<Entity> {
  await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
  const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
  await app.given.subscription({ customerId: customer.id });
  const yen = await app.given.plan({ basePrice: '1500', currency: 'JPY' });
  await app.given.subscription({ planId: yen.id });
  const line = { lineItems: [{ description: 'Work', quantity: 1, unitPrice: '100.00' }], customerId: customer.id };
  await adjust(app, customer.id, '5.00');
  const invoice = await app.given.invoice(line);
  const [gone, noted] = [await app.given.invoice(line), await app.given.invoice(line)];
  await putInvoice(app, gone.id, { status: 'void' });
  await credit(app, noted.id, '10.00');
  const { body: payment } = await pay(app, invoice.id, (await invoiceOf(app, invoice.id)).amountDue);
  await refund(app, payment.id, '20.00');
  await refund(app, payment.id, '3.00', { destination: 'credit' });
  await app.drain();
  return invoice;
}

describe('GET /api/analytics/reconcile', () => {
  test('200 ok for an empty server', async () => {
    expect(await reconcile(await start())).toEqual({
      ...{ currency: null, from: '2026-02-14', to: '2026-03-16', status: 'ok' },
      ...{ rows: [], accounts: [], trialBalance: [], invariants: [] },
    });
  });

  test('200 ok with the entries of the range by class, the accounts and the trial balance', async () => {
    const app = await start();
    await tellStory(app);
    const answer = await reconcile(app);
    expect(answer).toMatchObject({ status: 'ok', invariants: [] });
    expect(classes(answer)).toEqual([
      'recurring JPY 1500 (1)',
      'adjustments USD -10.00 (1)',
      'billings USD 214.50 (4)',
      'collections USD 82.25 (2)',
      'credits USD 3.00 (3)',
      'recurring USD 53.61 (1)',
    ]);
    for (const row of answer.rows)
      expect(row).toMatchObject({
        sourceTotal: row.ledgerTotal,
        sourceCount: row.ledgerCount,
        missing: 0,
        status: 'ok',
      });
    expect(answer.trialBalance).toEqual([
      { currency: 'JPY', total: '0', status: 'ok' },
      { currency: 'USD', total: '0.00', status: 'ok' },
    ]);
    const cash = answer.accounts.find((row: Entity) => row.account === 'cash:manual');
    expect(cash).toEqual({
      ...{ account: 'cash:manual', currency: 'USD', ledgerTotal: '82.25', sourceTotal: '82.25' },
      ...{ delta: '0.00', status: 'ok' },
    });
  });

  test('200 with one currency, and with the entries of the asked days only', async () => {
    const app = await start();
    await tellStory(app);
    app.clock.advance({ days: 1 });
    await app.given.invoice();
    const yen = await reconcile(app, '?currency=JPY');
    expect(yen).toMatchObject({ currency: 'JPY', status: 'ok' });
    expect([...yen.rows, ...yen.accounts, ...yen.trialBalance].every((row) => row.currency === 'JPY')).toBe(true);
    const next = await reconcile(app, '?from=2026-03-16&to=2026-03-17');
    expect(next).toMatchObject({ from: '2026-03-16', to: '2026-03-17', status: 'ok' });
    expect(next.rows).toHaveLength(1);
    expect(next.rows[0]).toMatchObject({ classification: 'billings', ledgerCount: 1 });
    expect((await reconcile(app, '?from=2026-03-17&to=2026-03-18')).rows).toEqual([]);
    expect(next.accounts).toEqual((await reconcile(app)).accounts);
  });

  test('200 drift with the account, the class and the row when an entry is changed', async () => {
    const app = await start();
    const invoice = await tellStory(app);
    await loosen(app);
    const entry = `(select id from journal_entries where fact_type = 'invoice.issued' and fact_id = '${invoice.id}')`;
    const sql = `update journal_lines set amount = amount + 7 where account = 'receivable' and entry_id = ${entry}`;
    expect(await execute(app.database.write, sql)).toBe(1);
    const answer = await reconcile(app);
    expect(answer.status).toBe('drift');
    expect(answer.rows.filter((row: Entity) => row.status === 'drift')).toMatchObject([
      { classification: 'billings', currency: 'USD', delta: '0.07', missing: 0 },
    ]);
    expect(answer.accounts.filter((row: Entity) => row.status === 'drift')).toMatchObject([
      { account: 'receivable', currency: 'USD', delta: '0.07' },
    ]);
    expect(answer.trialBalance[1]).toEqual({ currency: 'USD', total: '0.07', status: 'drift' });
    const ids = answer.invariants.map(({ id }: Entity) => id);
    expect(ids).toEqual(['INV1', 'INV2', 'INV3']);
    expect(answer.invariants[2].findings[0].ids).toEqual([`invoice.issued ${invoice.id}`]);
    expect(answer.invariants[0].violations).toBe(2);
  });

  test('200 drift with what is missing when an entry is gone', async () => {
    const app = await start();
    await tellStory(app);
    await loosen(app);
    const gone = `fact_type = 'payment.succeeded'`;
    await execute(
      app.database.write,
      `delete from journal_lines where entry_id in (select id from journal_entries where ${gone})`,
    );
    await execute(app.database.write, `delete from journal_entries where ${gone}`);
    const answer = await reconcile(app);
    expect(answer.rows.find((row: Entity) => row.classification === 'collections')).toMatchObject({
      ...{ ledgerCount: 1, sourceCount: 2, missing: 1, status: 'drift' },
    });
    expect(answer.trialBalance.every((row: Entity) => row.status === 'ok')).toBe(true);
  });

  test('200 drift, and no failure, when the price of a subscription cannot be computed', async () => {
    const app = await start();
    const sub = await app.given.subscription();
    await app.drain();
    await loosen(app);
    await execute(app.database.write, `update plan_versions set billing_cycle = 'yearly'`);
    const { status, invariants } = await reconcile(app);
    expect(status).toBe('drift');
    expect(invariants.find(({ id }: Entity) => id === 'INV17').findings[0].ids).toEqual([
      `${sub.id} (its price cannot be computed)`,
    ]);
  });

  test('200 at the same time as others, who are answered meanwhile', async () => {
    const app = await start();
    await tellStory(app);
    const answers = await Promise.all([reconcile(app), reconcile(app), app.given.customer()]);
    expect(answers.slice(0, 2)).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
  });

  test.each([
    ['to', '?from=2026-03-02&to=2026-03-02'],
    ['from', '?from=2026-03-17'],
    ['from', '?from=yesterday'],
    ['currency', '?currency=XXX'],
  ])('400 validation_error on %s for %s', async (field, query) => {
    const answer = await (await start()).api.get(`/api/analytics/reconcile${query}`);
    expect([answer.status, answer.body.error]).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.fields)).toEqual([field]);
  });

  test('401 unauthorized without a session, 403 forbidden for a customer', async () => {
    const app = await start();
    expect((await app.anonymous.get('/api/analytics/reconcile')).status).toBe(401);
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expect((await portal.get('/api/analytics/reconcile')).body.error).toBe('forbidden');
  });
});

describe('the metric invariant_violations', () => {
  const shown = async (app: TestApp) =>
    /^invariant_violations (\d+)$/m.exec((await app.anonymous.get('/metrics')).text)?.[1];

  test('shows what the last proof found, and nothing before the first', async () => {
    const app = await start();
    await app.given.subscription();
    expect(await shown(app)).toBeUndefined();
    await app.drain();
    await proveInvariants(app.runtime);
    expect(await shown(app)).toBe('0');
    await loosen(app);
    await execute(app.database.write, `update invoices set amount_due = amount_due + 1`);
    await reconcile(app);
    expect(Number(await shown(app))).toBeGreaterThan(0);
  });
});

describe('one at a time', () => {
  const askedOf = ({ clock }: TestApp) => ({ from: clock.now(), to: clock.now(), currency: null, now: clock.now() });
  const refusal = { code: 'service_unavailable' };
  /** One that has its turn, and as many as may wait. */
  const fill = async (app: TestApp) => {
    const running = reconcileIsolated(app.runtime, askedOf(app));
    await setImmediate();
    return [running, ...Array.from({ length: 4 }, () => reconcileIsolated(app.runtime, askedOf(app)))];
  };

  test('503 service_unavailable when it takes too long; the next one has its turn', async () => {
    const app = await start();
    await expect(within(1, () => reconcileIsolated(app.runtime, askedOf(app)))).rejects.toMatchObject(refusal);
    expect((await reconcileIsolated(app.runtime, askedOf(app))).violations).toEqual([]);
  });

  test('503 service_unavailable for more than four in the queue, and everybody in it is served', async () => {
    const app = await start();
    const places = await fill(app);
    await expect(reconcileIsolated(app.runtime, askedOf(app))).rejects.toMatchObject(refusal);
    for (const { violations } of await Promise.all(places)) expect(violations).toEqual([]);
  });

  test('who has gone gives the place in the queue, or the turn, to the next one', async () => {
    const app = await start();
    const gone = new AbortController();
    const left = boundedBy(gone.signal, () => fill(app).then((places) => Promise.all(places)));
    await setImmediate();
    await setImmediate();
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const places = Array.from({ length: 4 }, () => reconcileIsolated(app.runtime, askedOf(app)));
    for (const { violations } of await Promise.all(places)) expect(violations).toEqual([]);
  });
});
