import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sendEmails } from '../../../src/mail/send.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { readPdf } from '../../support/pdf.ts';
import { headersOf, partsOf, type Smtp, startSmtp } from '../../support/smtp.ts';
import { type Entity, putInvoice } from '../support.ts';

const seller = (name: string) => ({
  companyName: `${name} Ltd`,
  companyAddress: `1 ${name} Street\nDublin`,
  companyEmail: `billing@${name.toLowerCase()}.example`,
  companyTaxId: `IE-${name}`,
  invoiceFooter: `IBAN of ${name}`,
});

let smtp: Smtp;
let app: TestApp;
beforeAll(async () => {
  smtp = await startSmtp();
  app = await startApp({ config: { mail: smtp.config() } });
});
afterAll(async () => {
  await app.close();
  await smtp.close();
});

const settle = (name: string) => app.api.put('/api/settings/billing', seller(name));
const shown = async (id: string): Promise<Entity[]> => {
  const { body: list } = await app.api.get('/api/billing/invoices?limit=100');
  const { body: one } = await app.api.get(`/api/billing/invoices/${id}`);
  return [one.seller, list.find((each: Entity) => each.id === id).seller];
};
const printed = async (id: string): Promise<string> =>
  readPdf((await app.api.get(`/api/billing/invoices/${id}/pdf`)).body)
    .pages.flat()
    .join('\n');

async function expectSeller(id: string, name: string): Promise<void> {
  for (const one of await shown(id)) expect(one).toEqual(seller(name));
  const text = await printed(id);
  for (const part of Object.values(seller(name)).flatMap((member) => member.split('\n'))) expect(text).toContain(part);
  for (const other of ['Alpha', 'Beta', 'Gamma'].filter((each) => each !== name)) expect(text).not.toContain(other);
}

describe('the seller of an invoice', () => {
  test('I.8 an issued invoice keeps the seller of its issue in the API and the PDF, whatever the settings say later', async () => {
    await settle('Alpha');
    const { id } = await app.given.invoice();
    await expectSeller(id, 'Alpha');
    await settle('Beta');
    await expectSeller(id, 'Alpha');
  });

  test('I.8 e-mails about it show that seller, and are answered to the one of now', async () => {
    await settle('Alpha');
    const { id } = await app.given.invoice();
    await sendEmails(app.runtime);
    await settle('Beta');
    smtp.received.splice(0);
    await app.api.post(`/api/billing/invoices/${id}/send`, {});
    await sendEmails(app.runtime);
    const [message] = smtp.received;
    const headers = headersOf(message!);
    expect(headers.get('subject')).toContain('from Alpha Ltd');
    expect(headers.get('from')).toContain('Beta Ltd');
    expect(headers.get('reply-to')).toBe('billing@beta.example');
    const parts = partsOf(message!.raw);
    for (const type of ['text/plain', 'text/html']) {
      expect(parts.get(type)!.toString()).toContain('1 Alpha Street');
      expect(parts.get(type)!.toString()).not.toContain('Beta');
    }
    expect(readPdf(parts.get('application/pdf')!).pages.flat().join()).toContain('Alpha Ltd');
  });

  test('I.9 a draft shows the settings of now, and keeps those of its issue', async () => {
    await settle('Alpha');
    const { id } = await app.given.invoice({ status: 'draft' });
    await expectSeller(id, 'Alpha');
    await settle('Beta');
    await expectSeller(id, 'Beta');
    expect((await putInvoice(app, id, { status: 'issued' })).body.seller).toEqual(seller('Beta'));
    await settle('Gamma');
    await expectSeller(id, 'Beta');
  });

  test('I.10 a discarded draft keeps the seller and the customer of that moment', async () => {
    await settle('Alpha');
    const customer = await app.given.customer({ name: 'Before' });
    const { id } = await app.given.invoice({ customerId: customer.id, status: 'draft' });
    await settle('Beta');
    await app.api.put(`/api/customers/${customer.id}`, { name: 'Meanwhile' });
    await putInvoice(app, id, { status: 'void' });
    await settle('Gamma');
    await app.api.put(`/api/customers/${customer.id}`, { name: 'After' });
    await expectSeller(id, 'Beta');
    expect(await printed(id)).toContain('Meanwhile');
  });

  test('a subscription invoice names the seller of its issue', async () => {
    await settle('Alpha');
    const plan = await app.given.plan({ basePrice: '20.00' });
    const subscription = await app.given.subscription({ planId: plan.id });
    await settle('Beta');
    const { body } = await app.api.get(`/api/billing/invoices?subscriptionId=${subscription.id}`);
    await expectSeller(body[0].id, 'Alpha');
  });
});
