import { afterEach, describe, expect, test } from '@jest/globals';
import { sendEmails } from '../../../src/mail/send.ts';
import { aside, redo } from '../../../src/platform/put-off.ts';
import { Unprepared } from '../../../src/platform/retry.ts';
import { inTransaction } from '../../../src/platform/work.ts';
import { readFigures } from '../../../src/system/figures.ts';
import { licenseOfSubscription, toldOf, verify } from '../../licenses/support.ts';
import type { TestApp } from '../../support/app.ts';
import { breakTable } from '../../support/faults.ts';
import { headersOf, startSmtp } from '../../support/smtp.ts';
import {
  auditOf,
  changePlan,
  closeApps,
  type Entity,
  invoicesOf,
  pay,
  putSubscription,
  run,
  runAt,
  startAt,
} from '../support.ts';

// Rules X8: each product beside money is made to fail, and the money goes on.

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await closeApps();
  for (const one of open.splice(0)) await one.close();
});

const START = '2026-01-31T10:00:00.000Z';
const ROLLOVER = '2026-02-28T10:00:00.000Z';
const licences = async (app: TestApp) => (await app.cron.post('/api/billing/cron/licenses')).body;
const putOff = (app: TestApp): Promise<Entity[]> => app.database.read('put_off').orderBy('id');
const figure = async (app: TestApp) =>
  (await readFigures(app.database.read, app.clock.now())).find(({ name }) => name === 'put_off_work')!.value;

async function licensed(app: TestApp): Promise<Entity> {
  const plan = await app.given.plan({ licenseTemplate: { maxActivations: 3, features: { pro: true } } });
  return app.given.subscription({ planId: plan.id, preRenewalInvoiceDays: 0 });
}

describe('licences that cannot follow', () => {
  test('the renewals are billed; the licences follow once they can, each once', async () => {
    const app = await startAt(START);
    const subs = [await licensed(app), await licensed(app), await licensed(app)];
    const [broken] = subs;
    const { id } = await licenseOfSubscription(app, broken!.id);
    const fault = await breakTable(app, 'licenses', 'UPDATE', `OLD.id = '${id}'`);
    expect(await runAt(app, ROLLOVER)).toMatchObject({ renewed: 3 });
    for (const sub of subs) expect(await invoicesOf(app, sub.id)).toHaveLength(2);
    expect((await app.api.get('/api/billing/parked')).body).toEqual([]);
    expect(await figure(app)).toBeGreaterThan(0);
    const { licenseKey } = await licenseOfSubscription(app, broken!.id);
    expect((await verify(app, licenseKey)).body.valid).toBe(true); // a running subscription shelters it

    app.clock.advance({ ms: 60_000 });
    const first = await licences(app);
    expect([first.caughtUp, first.errors.length]).toEqual([(await putOff(app)).length === 1 ? 2 : -1, 1]);
    expect(await putOff(app)).toMatchObject([
      { subject: broken!.id, attempts: 2, error: expect.stringMatching(/broken/) },
    ]);
    expect((await licences(app)).errors).toEqual([]); // not due yet
    await fault.mend();
    app.clock.advance({ ms: 120_000 });
    expect(await licences(app)).toMatchObject({ caughtUp: 1, errors: [] });
    for (const sub of subs)
      expect(await licenseOfSubscription(app, sub.id)).toMatchObject({ expiresAt: '2026-04-03T10:00:00.000Z' });
    expect(await figure(app)).toBe(0);
    expect((await auditOf(app, id)).filter(({ reason }) => reason === 'followed its subscription')).toHaveLength(2);
  });

  test('what was put off is done with the next change, from the oldest state to the newest', async () => {
    const app = await startAt(START);
    const sub = await licensed(app);
    const { id } = await licenseOfSubscription(app, sub.id);
    const fault = await breakTable(app, 'licenses', 'UPDATE');
    await runAt(app, ROLLOVER);
    expect((await putSubscription(app, sub.id, { status: 'paused' })).status).toBe(200);
    expect(await putOff(app)).toHaveLength(1);
    await fault.mend();
    app.clock.set('2026-03-05T00:00:00.000Z');
    expect((await app.api.delete(`/api/billing/subscriptions/${sub.id}`)).status).toBe(204);
    expect(await putOff(app)).toEqual([]);
    expect(await licenseOfSubscription(app, sub.id)).toMatchObject({ status: 'expired', expiresAt: app.clock.now() });
    expect(await toldOf(app, id)).toEqual(['created', 'expired']);
  });

  test('a first licence that cannot be made: the subscription and its invoice are there, the licence comes later', async () => {
    const app = await startAt(START);
    const plan = await app.given.plan({ licenseTemplate: { maxActivations: 3, features: { pro: true } } });
    const fault = await breakTable(app, 'licenses', 'INSERT');
    const sub = await app.given.subscription({ planId: plan.id });
    expect(await invoicesOf(app, sub.id)).toHaveLength(1);
    expect(await licenseOfSubscription(app, sub.id)).toBeUndefined();
    await fault.mend();
    app.clock.advance({ ms: 60_000 });
    expect(await licences(app)).toMatchObject({ caughtUp: 1, errors: [] });
    const license = await licenseOfSubscription(app, sub.id);
    expect(license).toMatchObject({ status: 'active', maxActivations: 3, features: { pro: true } });
    expect(await toldOf(app, license.id)).toEqual(['created']);
  });

  test('a first licence that could not be made comes with the next change of its subscription', async () => {
    const app = await startAt(START);
    const none = await app.given.plan({ licenseTemplate: null });
    const some = await app.given.plan({ licenseTemplate: { maxActivations: 2, features: null } });
    const old = await app.given.subscription({ planId: none.id, preRenewalInvoiceDays: 0 });
    const fault = await breakTable(app, 'licenses', 'INSERT');
    const fresh = await app.given.subscription({ planId: some.id, preRenewalInvoiceDays: 0 });
    expect((await changePlan(app, old.id, { newPlanId: some.id })).status).toBe(200);
    expect(await putOff(app)).toHaveLength(2);
    await fault.mend();
    await runAt(app, ROLLOVER);
    expect(await putOff(app)).toEqual([]);
    for (const { id } of [fresh, old])
      expect(await licenseOfSubscription(app, id)).toMatchObject({
        status: 'active',
        expiresAt: '2026-04-03T10:00:00.000Z',
      });
  });

  test('a change of plan and a payment go on', async () => {
    const app = await startAt(START);
    const sub = await licensed(app);
    const other = await app.given.plan({ basePrice: '900.00', licenseTemplate: { maxActivations: 9, features: null } });
    const fault = await breakTable(app, 'licenses', 'UPDATE');
    app.clock.set('2026-02-10T00:00:00.000Z');
    expect((await changePlan(app, sub.id, { newPlanId: other.id })).status).toBe(200);
    const [first] = await invoicesOf(app, sub.id);
    expect((await pay(app, first!.id, first!.total)).status).toBe(201);
    await fault.mend();
    app.clock.advance({ ms: 60_000 });
    expect(await licences(app)).toMatchObject({ caughtUp: 1 });
    expect(await licenseOfSubscription(app, sub.id)).toMatchObject({ maxActivations: 9, productId: other.productId });
  });
});

describe('e-mails', () => {
  async function mailing(): Promise<{ app: TestApp; smtp: Awaited<ReturnType<typeof startSmtp>> }> {
    const smtp = await startSmtp();
    open.push(smtp);
    return { smtp, app: await startAt(START, { config: { mail: smtp.config() } }) };
  }

  test('that cannot be queued: invoices and payments are there, the e-mails come later, each once', async () => {
    const { app, smtp } = await mailing();
    const sub = await licensed(app);
    await sendEmails(app.runtime);
    const sent = smtp.received.length;
    const fault = await breakTable(app, 'emails', 'INSERT');
    expect(await runAt(app, ROLLOVER)).toMatchObject({ renewed: 1, invoicesGenerated: 1 });
    const [, second] = await invoicesOf(app, sub.id);
    expect((await pay(app, second!.id, '1.00')).status).toBe(201);
    expect((await putOff(app)).map(({ kind }) => kind)).toEqual(['event_emails', 'event_emails']);
    await fault.mend();
    app.clock.advance({ ms: 60_000 });
    for (let times = 0; times < 2; times++) await app.cron.post('/api/billing/cron/webhooks');
    expect(await putOff(app)).toEqual([]);
    expect(smtp.received.length - sent).toBe(2);
  });

  test('to customers with strange names are written; one without a usable address gets none; all are billed', async () => {
    const { app, smtp } = await mailing();
    const names = [
      '\u202e\u0007 <b>&"\' ',
      '=?utf-8?q?x?=\r\nBcc: a@b.example',
      '💥'.repeat(60),
      'ɛɔ Ž \ud800'.slice(0, 5),
    ];
    const subs: Entity[] = [];
    for (const name of [...names, 'No address']) {
      const sub = await app.given.subscription({ preRenewalInvoiceDays: 0 });
      const billing_email = name === 'No address' ? 'a@b.example, c@d.example' : null;
      await app.database.write('customers').where({ id: sub.customerId }).update({ name, billing_email });
      subs.push(sub);
    }
    await app.database.write('emails').delete();
    expect(await runAt(app, ROLLOVER)).toMatchObject({ renewed: 5, invoicesGenerated: 5 });
    for (const sub of subs) expect(await invoicesOf(app, sub.id)).toHaveLength(2);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 4, failed: 0 });
    for (const message of smtp.received) expect(headersOf(message).has('bcc')).toBe(false);
  });
});

describe('aside', () => {
  const info = { actor: { type: 'system', id: null }, action: 'test' } as const;
  const later = () => [{ kind: 'license_follow' as const, subject: 'X', data: {} }];

  test('an error that the database may mend by itself does the whole work again', async () => {
    const app = await startAt(START);
    for (const error of [Object.assign(new Error('deadlock'), { code: '40P01' }), new Unprepared(async () => {})]) {
      const failing = inTransaction(app.runtime, info, (work) =>
        aside(
          work,
          async () => {
            throw error;
          },
          later,
        ),
      );
      await expect(failing).rejects.toBe(error);
    }
    expect(await putOff(app)).toEqual([]);
  });

  test('what it has emitted and noted before it failed is undone with its rows', async () => {
    const app = await startAt(START);
    const { id } = await app.given.customer();
    const audits = (await auditOf(app, id)).length;
    await inTransaction(app.runtime, info, (work) =>
      aside(
        work,
        async () => {
          work.emit({ type: 'customer.updated', customerId: id, resourceType: 'customer', resourceId: id, data: {} });
          work.audit({ entityType: 'customer', entityId: id });
          await work.db('customers').where({ id }).update({ name: 'Half' });
          throw new Error('no');
        },
        later,
      ),
    );
    expect(await app.database.read('events').where({ type: 'customer.updated', resource_id: id })).toEqual([]);
    expect(await auditOf(app, id)).toHaveLength(audits);
    expect((await app.api.get(`/api/customers/${id}`)).body.name).not.toBe('Half');
    expect(await putOff(app)).toMatchObject([{ subject: 'X', error: 'no', attempts: 1 }]);
    await app.database.write('put_off').delete();
  });

  test('what fails again waits twice as long each time, six hours at most', async () => {
    const app = await startAt(START);
    await inTransaction(app.runtime, info, (work) =>
      aside(
        work,
        async () => {
          throw new Error('no');
        },
        later,
      ),
    );
    const waits: number[] = [];
    for (let n = 0; n < 11; n++) {
      const [row] = await putOff(app);
      waits.push((Date.parse(row.next_attempt_at) - Date.parse(app.clock.now())) / 60_000);
      app.clock.set(row.next_attempt_at);
      const outcome = await redo(app.runtime, {
        kind: 'license_follow',
        make: async () => {
          throw new Error('still no');
        },
      });
      expect([outcome.done, outcome.errors.length]).toEqual([0, 1]);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
    await app.database.write('put_off').delete();
  });
});

describe('what happens after the commit', () => {
  test('a task that throws leaves the answer and the other tasks as they are', async () => {
    const app = await startAt(START);
    const done: string[] = [];
    app.runtime.eventsCommitted = () => {
      throw new Error('nobody listens');
    };
    const { id } = await app.given.customer();
    const info = { actor: { type: 'system', id: null }, action: 'test' } as const;
    const value = await inTransaction(app.runtime, info, async (work) => {
      work.afterCommit(() => {
        throw new Error('no');
      });
      work.afterCommit(() => void done.push('second'));
      work.emit({ type: 'customer.updated', customerId: id, resourceType: 'customer', resourceId: id, data: {} });
      return 7;
    });
    expect([value, done]).toEqual([7, ['second']]);
    app.runtime.eventsCommitted = () => {};
  });
});

describe('conditions of a commit (rules X8)', () => {
  test('an event that cannot be written undoes its own subscription only, which is parked and billed when it can', async () => {
    const app = await startAt(START);
    const [bad, good] = [await licensed(app), await licensed(app)];
    const fault = await breakTable(app, 'events', 'INSERT', `NEW.customer_id = '${bad.customerId}'`);
    app.clock.set(ROLLOVER);
    const { errors, renewed } = (await app.cron.post('/api/billing/cron/lifecycle')).body;
    expect([renewed, errors.map(({ resourceId }: Entity) => resourceId)]).toEqual([1, [bad.id]]);
    expect(await invoicesOf(app, bad.id)).toHaveLength(1);
    expect(await invoicesOf(app, good.id)).toHaveLength(2);
    const [item] = (await app.api.get('/api/billing/parked')).body;
    await fault.mend();
    expect((await app.api.post(`/api/billing/parked/${item.id}/retry`)).status).toBe(200);
    expect(await invoicesOf(app, bad.id)).toHaveLength(2);
    await run(app);
  });
});
