import { afterEach, describe, expect, test } from '@jest/globals';
import { sendEmails } from '../../src/mail/send.ts';
import { putInvoice } from '../billing/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { headersOf, partsOf } from '../support/smtp.ts';
import { closeAll, emailsOf, mailingApp, mailServer, quietInvoice, send } from './support.ts';

afterEach(closeAll);

const UNKNOWN = '01JQX5M3K9HZNGVX2Z66Z1C02N';

async function started(): Promise<{ app: TestApp; smtp: Awaited<ReturnType<typeof mailServer>> }> {
  const smtp = await mailServer();
  return { smtp, app: await mailingApp(smtp) };
}

describe('POST /api/billing/invoices/{id}/send', () => {
  test('202 queues one e-mail in the transaction of the request, and the job sends it', async () => {
    const { app, smtp } = await started();
    await app.api.put('/api/settings/billing', { companyName: 'Example Ltd', companyEmail: 'reply@seller.example' });
    const invoice = await quietInvoice(app);
    const answer = await send(app, invoice.id, { to: 'ap@acme.example', message: 'As agreed.' });
    expect([answer.status, answer.body]).toEqual([
      202,
      { invoiceId: invoice.id, to: 'ap@acme.example', queuedAt: app.clock.now() },
    ]);
    expect(smtp.received).toEqual([]);
    const [row] = await emailsOf(app);
    expect(row).toMatchObject({ recipient: 'ap@acme.example', state: 'pending', attempts: 0, event_id: null });
    const job = await app.cron.post('/api/billing/cron/webhooks');
    expect(job.body).toMatchObject({ emailsSent: 1, emailsFailed: 0, errors: [] });
    expect(smtp.received).toHaveLength(1);
    const [message] = smtp.received;
    expect([message!.from, message!.to]).toEqual(['billing@seller.example', ['ap@acme.example']]);
    const headers = headersOf(message!);
    expect(headers.get('from')).toBe('Example Ltd <billing@seller.example>');
    expect(headers.get('reply-to')).toBe('reply@seller.example');
    expect(headers.get('to')).toBe('ap@acme.example');
    expect(headers.get('subject')).toBe(`Invoice ${invoice.invoiceNumber} from Example Ltd`);
    expect(headers.get('message-id')).toBe(`<${row.id}@seller.example>`);
    expect(headers.get('auto-submitted')).toBe('auto-generated');
    const parts = partsOf(message!.raw);
    expect(parts.get('application/pdf')!.subarray(0, 5).toString()).toBe('%PDF-');
    expect(message!.raw).toContain(`filename=invoice-${invoice.invoiceNumber}.pdf`);
    for (const type of ['text/plain', 'text/html']) {
      expect(parts.get(type)!.toString()).toContain('As agreed.');
      expect(parts.get(type)!.toString()).toContain('USD 100.00');
    }
    expect((await emailsOf(app))[0]).toMatchObject({
      ...{ state: 'sent', attempts: 1, sent_at: app.clock.now(), next_attempt_at: null, last_error: null },
    });
    expect((await app.cron.post('/api/billing/cron/run')).body.webhooks.emailsSent).toBe(0);
  });

  test('202 to the billing address of the customer, else to the e-mail', async () => {
    const { app } = await started();
    const customer = await app.given.customer({ email: 'ada@acme.example' });
    const invoice = await quietInvoice(app, { customerId: customer.id });
    expect((await send(app, invoice.id)).body.to).toBe('ada@acme.example');
    await app.api.put(`/api/customers/${customer.id}`, { billingEmail: 'ap@acme.example' });
    expect((await send(app, invoice.id)).body.to).toBe('ap@acme.example');
  });

  test('202 once for one Idempotency-Key, once per request without', async () => {
    const { app } = await started();
    const invoice = await quietInvoice(app);
    for (let i = 0; i < 2; i++) expect((await send(app, invoice.id, {}, { 'Idempotency-Key': 'k' })).status).toBe(202);
    expect(await emailsOf(app)).toHaveLength(1);
    await send(app, invoice.id);
    expect(await emailsOf(app)).toHaveLength(2);
  });

  test('202 for a paid and an overdue invoice', async () => {
    const { app, smtp } = await started();
    const paid = await quietInvoice(app);
    await putInvoice(app, paid.id, { status: 'paid' });
    await app.database.write('emails').delete();
    expect((await send(app, paid.id)).status).toBe(202);
    await sendEmails(app.runtime);
    expect(partsOf(smtp.received[0]!.raw).get('text/plain')!.toString()).toContain('Nothing is left to pay');
  });

  test.each([
    'a@b.example, c@d.example',
    'a@b.example\r\nBcc: c@d.example',
    'Ada <a@b.example>',
    'a@b.example;c@d.example',
    'nobody',
    '',
    `${'a'.repeat(250)}@b.example`,
  ])('400 validation_error for the recipient %j', async (to) => {
    const { app } = await started();
    const invoice = await quietInvoice(app);
    const answer = await send(app, invoice.id, { to });
    expect([answer.status, answer.body.error, Object.keys(answer.body.fields)]).toEqual([
      400,
      'validation_error',
      ['to'],
    ]);
    expect(await emailsOf(app)).toEqual([]);
  });

  test('400 validation_error for a message over 2000 characters and for several recipients', async () => {
    const { app } = await started();
    const { id } = await quietInvoice(app);
    expect((await send(app, id, { message: 'x'.repeat(2001) })).body.fields).toHaveProperty('message');
    expect((await send(app, id, { to: ['a@b.example', 'c@d.example'] })).body.fields).toHaveProperty('to');
    expect((await send(app, id, { message: 'x'.repeat(2000) })).status).toBe(202);
  });

  test('400 provider_not_configured without a mail server', async () => {
    const app = await startApp();
    const invoice = await app.given.invoice();
    const answer = await send(app, invoice.id);
    expect([answer.status, answer.body.error]).toEqual([400, 'provider_not_configured']);
    expect(await emailsOf(app)).toEqual([]);
    await app.close();
  });

  test('409 conflict for a draft, 400 invoice_voided for a void one, 404 not_found for none', async () => {
    const { app } = await started();
    const draft = await app.given.invoice({ status: 'draft' });
    expect((await send(app, draft.id)).body.error).toBe('conflict');
    await putInvoice(app, draft.id, { status: 'void' });
    expect((await send(app, draft.id)).body.error).toBe('invoice_voided');
    expect((await send(app, UNKNOWN)).body.error).toBe('not_found');
  });

  test('401 unauthorized without a session, 403 forbidden for a customer', async () => {
    const { app } = await started();
    const { id } = await quietInvoice(app);
    expect((await app.anonymous.post(`/api/billing/invoices/${id}/send`, {})).status).toBe(401);
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expect((await portal.post(`/api/billing/invoices/${id}/send`, {})).body.error).toBe('forbidden');
  });

  test('an invoice voided before its e-mail leaves is not sent', async () => {
    const { app, smtp } = await started();
    const invoice = await quietInvoice(app);
    await send(app, invoice.id);
    await putInvoice(app, invoice.id, { status: 'void' });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect(smtp.connections()).toBe(0);
    expect((await emailsOf(app))[0]).toMatchObject({
      state: 'failed',
      last_error: 'The invoice was voided meanwhile.',
    });
  });
});

describe('what people write never becomes a header or a tag', () => {
  const EVIL = 'x\r\nBcc: victim@x.example\r\n\r\n<script>alert("1")</script> & \u2028co';

  test('names of the seller and the customer, the message, the address of the seller', async () => {
    const { app, smtp } = await started();
    const settings = { companyName: 'Ex\tample <b>"Ltd"</b>\r\nBcc: victim@x.example', companyAddress: EVIL };
    expect((await app.api.put('/api/settings/billing', settings)).status).toBe(200);
    const customer = await app.given.customer({ name: EVIL });
    const invoice = await quietInvoice(app, { customerId: customer.id });
    await send(app, invoice.id, { message: EVIL });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 1, failed: 0 });
    const [message] = smtp.received;
    expect(message!.to).toEqual([customer.email]);
    const headers = headersOf(message!);
    expect([...headers.keys()].sort()).toEqual([
      ...['auto-submitted', 'content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to'],
    ]);
    const html = partsOf(message!.raw).get('text/html')!.toString();
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<b>');
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp;');
  });
});
