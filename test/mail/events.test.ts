import { afterEach, describe, expect, test } from '@jest/globals';
import { sendEmails } from '../../src/mail/send.ts';
import { pay, putSubscription, runAt } from '../billing/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { headersOf, partsOf, type Smtp } from '../support/smtp.ts';
import { closeAll, emailsOf, mailingApp, mailServer } from './support.ts';

afterEach(closeAll);

async function started(): Promise<{ app: TestApp; smtp: Smtp }> {
  const smtp = await mailServer();
  return { smtp, app: await mailingApp(smtp, { now: '2026-01-31T10:00:00.000Z' }) };
}
const templates = async (app: TestApp) => (await emailsOf(app)).map(({ template }) => template);
const subjects = ({ received }: Smtp) => received.map((message) => headersOf(message).get('subject'));

describe('events that the customer is told by e-mail (E10)', () => {
  test('an issued invoice and a payment, each once, in the commit of the event', async () => {
    const { app, smtp } = await started();
    const customer = await app.given.customer({ billingEmail: 'ap@acme.example' });
    const invoice = await app.given.invoice({ customerId: customer.id });
    await pay(app, invoice.id, '30.00');
    const rows = await emailsOf(app);
    expect(rows.map(({ template, recipient }) => [template, recipient])).toEqual([
      ['invoice', 'ap@acme.example'],
      ['payment_received', 'ap@acme.example'],
    ]);
    const events = await app.database
      .read('events')
      .whereIn('type', ['invoice.issued', 'payment.succeeded'])
      .orderBy('sequence');
    expect(rows.map(({ event_id }) => event_id)).toEqual(events.map(({ id }) => id));
    expect(await sendEmails(app.runtime)).toEqual({ sent: 2, failed: 0 });
    expect(subjects(smtp).sort()).toEqual([
      `Invoice ${invoice.invoiceNumber}`,
      `Payment received for invoice ${invoice.invoiceNumber}`,
    ]);
    const paid = smtp.received.find((message) => headersOf(message).get('subject')!.startsWith('Payment'))!;
    expect(partsOf(paid.raw).get('text/plain')!.toString()).toContain('Received: USD 30.00');
  });

  test('the end of a trial that is near, and of a subscription', async () => {
    const { app, smtp } = await started();
    const plan = await app.given.plan({ name: 'Pro Monthly' });
    const sub = await app.given.subscription({ planId: plan.id, trialDays: 7 });
    await runAt(app, '2026-02-05T00:00:00.000Z');
    expect(await templates(app)).toEqual(['trial_ending']);
    await putSubscription(app, sub.id, { status: 'canceled' });
    expect(await templates(app)).toEqual(['trial_ending', 'subscription_canceled']);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 2, failed: 0 });
    expect(subjects(smtp).sort()).toEqual([
      'Your subscription to Pro Monthly has ended',
      'Your trial of Pro Monthly ends on 7 Feb 2026',
    ]);
    expect(smtp.received.every(({ raw }) => !raw.includes('application/pdf'))).toBe(true);
  });

  test('not drafts, and nothing that is rolled back', async () => {
    const { app } = await started();
    await app.given.invoice({ status: 'draft' });
    const invoice = await app.given.invoice();
    await app.database.write('emails').delete();
    expect((await pay(app, invoice.id, '0.00')).status).toBe(400);
    expect(await emailsOf(app)).toEqual([]);
  });

  test('not to an address that could hold more than an address', async () => {
    const { app } = await started();
    const customer = await app.given.customer();
    await app.database
      .write('customers')
      .where({ id: customer.id })
      .update({ billing_email: 'a@b.example\r\nBcc: c@d.example' });
    expect((await app.given.invoice({ customerId: customer.id })).status).toBe('issued');
    expect(await emailsOf(app)).toEqual([]);
  });

  test('none without a mail server', async () => {
    const app = await startApp();
    await app.given.invoice();
    expect(await emailsOf(app)).toEqual([]);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 0 });
    await app.close();
  });
});
