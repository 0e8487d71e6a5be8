import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { atOnce } from '../support/answers.ts';
import { type Answer, startApp, type TestApp } from '../support/app.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const REFUSALS = ['conflict', 'subscription_not_active', 'invoice_already_paid', 'invoice_voided'];

/** Everything that may happen to one subscription while its renewal is due. */
function mixed(id: string, invoiceId: string): (() => Promise<Answer>)[] {
  const { api, cron } = app;
  const put = (body: object) => () => api.put(`/api/billing/subscriptions/${id}`, body);
  const run = () => cron.post('/api/billing/cron/run');
  const pay = () => api.post('/api/billing/payments', { invoiceId, amount: '20.00', paymentMethod: 'manual' });
  return [
    ...[run, put({ status: 'paused' }), run, pay, put({ cancelAtPeriodEnd: true }), run],
    ...[put({ status: 'active' }), put({ preRenewalInvoiceDays: 3 }), pay, put({ cancelAtPeriodEnd: false })],
    ...[() => api.put(`/api/billing/invoices/${invoiceId}`, { status: 'void' }), put({ metadata: { n: 1 } }), pay],
  ];
}

test('cancel, pause, pay, void and runs at once on due subscriptions keep every invariant', async () => {
  const plan = await app.given.plan();
  for (let round = 0; round < 4; round++) {
    const subs = await atOnce(3, () => app.given.subscription({ planId: plan.id, preRenewalInvoiceDays: 7 }));
    const invoices = (await app.api.get('/api/billing/invoices?limit=3')).body;
    const invoiceOf = (sub: { id: string }) =>
      invoices.find((invoice: { subscriptionId: string }) => invoice.subscriptionId === sub.id).id;
    app.clock.advance({ months: 1, days: 2 });
    const calls = subs.flatMap((sub) => mixed(sub.id, invoiceOf(sub)));
    calls.push(() => app.api.delete(`/api/billing/subscriptions/${subs[0]!.id}`));
    const order = calls.map((call, n) => ({ call, at: (n * 7 + round * 11) % calls.length }));
    const answers = await Promise.all(order.sort((a, b) => a.at - b.at).map(({ call }) => call()));
    const odd = answers.filter(({ status, body }) => status >= 400 && !REFUSALS.includes(body.error));
    expect(odd.map(({ text }) => text)).toEqual([]);
    expect(answers.flatMap(({ body }) => body.lifecycle?.errors ?? [])).toEqual([]);
    await app.cron.post('/api/billing/cron/run');
    await app.drain();
    expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
  }
  expect((await app.api.get('/api/billing/parked')).body).toEqual([]);
});
