import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, startApp, type TestApp } from '../../support/app.ts';
import { readPdf } from '../../support/pdf.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { dunning, type Entity, pay, putInvoice } from '../support.ts';

let app: TestApp;
let customer: Entity;
let portal: Api;
let key: Api;
beforeAll(async () => {
  app = await startApp({ config: { sessionExpiryDays: 365 } });
  await app.given.taxRule({ country: 'US', region: 'NY', taxName: 'NY Sales Tax', rate: '0.0725' });
  await app.api.put('/api/settings/billing', {
    companyName: 'Example Software Ltd',
    companyAddress: '12 Harbour Street\nDublin',
    companyEmail: 'billing@example-software.example',
    companyTaxId: 'IE1234567X',
    invoiceFooter: 'IBAN IE29 AIBK 9311 5212 3456 78',
  });
  customer = await app.given.customer({
    name: 'Łódź Książki',
    company: 'Łódź Książki Sp. z o.o.',
    billingAddress: 'ul. Piotrkowska 1',
    billingCity: 'New York',
    billingState: 'NY',
    billingZip: '10118',
    billingCountry: 'US',
    taxId: 'US-12',
  });
  portal = app.withSession(await app.given.portalSession(customer.id));
  key = app.withKey((await app.given.apiKey({ customerId: customer.id, access: 'read' })).key);
});
afterAll(() => app.close());

const LINES = [
  { description: 'Consulting', quantity: 1.5, unitPrice: '1000.00' },
  {
    description: 'Support',
    quantity: 1,
    unitPrice: '50.00',
    periodStart: '2026-03-01T00:00:00Z',
    periodEnd: '2026-04-01T00:00:00Z',
  },
];
const given = (over: Entity = {}) => app.given.invoice({ customerId: customer.id, lineItems: LINES, ...over });
const path = (id: string, base = '/api') => `${base}/billing/invoices/${id}/pdf`;

async function linesOf(id: string): Promise<string[]> {
  const { status, body } = await app.api.get(path(id));
  expect(status).toBe(200);
  return readPdf(body).pages.flat();
}

describe('getInvoicePdf', () => {
  test('200 a PDF of seller, customer, lines, tax, totals, payments and notes', async () => {
    const { id } = await given({ notes: 'Purchase order PO-4711' });
    await pay(app, id, '662.38');
    const lines = await linesOf(id);
    expect(lines).toEqual([
      ...['Example Software Ltd', '12 Harbour Street', 'Dublin', 'billing@example-software.example'],
      ...['Tax ID IE1234567X', 'Invoice', 'Bill to', 'Łódź Książki', 'Łódź Książki Sp. z o.o.', 'ul. Piotrkowska 1'],
      ...['New York, NY 10118', 'United States', customer.email, 'Tax ID US-12'],
      ...['Invoice number  INV-2026-0001', 'Issued  15 Mar 2026', 'Due  14 Apr 2026', 'Currency  USD'],
      'USD 1,000.00 due by 14 Apr 2026',
      'Description  Quantity  Unit price  Amount (USD)',
      'Consulting  1.5  1,000.00  1,500.00',
      ...['Support  1  50.00  50.00', '1 Mar 2026 – 1 Apr 2026'],
      ...['Subtotal  1,550.00', 'NY Sales Tax 7.25%  112.38', 'Total  USD 1,662.38'],
      ...['Payment, 15 Mar 2026, bank transfer  -662.38', 'Amount due  USD 1,000.00'],
      ...['Notes', 'Purchase order PO-4711'],
      ...['IBAN IE29 AIBK 9311 5212 3456 78', 'Invoice INV-2026-0001  Page 1 of 1'],
    ]);
  });

  test('200 with its type, its name, and the same bytes each time', async () => {
    const invoice = await given();
    const [one, two] = [await app.api.get(path(invoice.id)), await app.api.get(path(invoice.id))];
    expect(one.headers).toMatchObject({
      'content-type': 'application/pdf',
      'content-disposition': `inline; filename="invoice-${invoice.invoiceNumber}.pdf"`,
      'content-length': String((one.body as Buffer).length),
      'cache-control': 'no-store',
    });
    expect((one.body as Buffer).subarray(0, 8).toString()).toBe('%PDF-1.7');
    expect((one.body as Buffer).equals(two.body)).toBe(true);
  });

  test('200 to HEAD, with the same headers and no body', async () => {
    const { id } = await given();
    const { port } = app.server.address() as { port: number };
    const url = `http://127.0.0.1:${port}${path(id)}`;
    const headers = { Cookie: `session=${app.admin.token}` };
    const head = await fetch(url, { method: 'HEAD', headers });
    const get = await fetch(url, { headers });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect(head.headers.get('content-disposition')).toBe(get.headers.get('content-disposition'));
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  });

  test('200 a draft is marked, has no number, and shows the customer as it is now', async () => {
    const other = await app.given.customer({ name: 'Before' });
    const { id } = await app.given.invoice({ customerId: other.id, status: 'draft' });
    await app.api.put(`/api/customers/${other.id}`, { name: 'After', billingCity: 'Berlin' });
    const answer = await app.api.get(path(id));
    expect(answer.headers['content-disposition']).toBe('inline; filename="invoice-draft.pdf"');
    const lines = readPdf(answer.body).pages.flat();
    expect(lines.filter((line) => line === 'DRAFT')).toHaveLength(2); // watermark and stamp
    expect(lines).toEqual(expect.arrayContaining(['After', 'Berlin', 'USD 100.00 — draft, not yet issued']));
    expect(lines.join('\n')).not.toMatch(/Invoice number|Amount due|INV-/);
  });

  test('200 an issued invoice keeps the customer of its issue', async () => {
    const other = await app.given.customer({ name: 'Before' });
    const { id } = await app.given.invoice({ customerId: other.id });
    await app.api.put(`/api/customers/${other.id}`, { name: 'After' });
    expect(await linesOf(id)).toContain('Before');
  });

  test('200 paid, with the overpayment; void; overdue', async () => {
    const paid = await given();
    await pay(app, paid.id, '1700.00');
    expect(await linesOf(paid.id)).toEqual(
      expect.arrayContaining([
        ...['PAID', 'Paid  15 Mar 2026', 'USD 1,662.38 paid on 15 Mar 2026'],
        ...['Payment, 15 Mar 2026, bank transfer  -1,662.38', 'Added to your credit balance  37.62'],
        'Amount due  USD 0.00',
      ]),
    );
    const voided = await given({ status: 'issued' });
    await putInvoice(app, voided.id, { status: 'void' });
    const lines = await linesOf(voided.id);
    expect(lines.filter((line) => line === 'VOID')).toHaveLength(2);
    expect(lines).toEqual(expect.arrayContaining(['Void since 15 Mar 2026', 'Amount due  USD 0.00']));
    const overdue = await app.given.invoice({ dueDate: app.clock.now() });
    await dunning(app);
    expect(await linesOf(overdue.id)).toEqual(expect.arrayContaining(['OVERDUE', 'USD 100.00 was due on 15 Mar 2026']));
  });

  test('200 in the decimals of the currency', async () => {
    for (const [currency, unitPrice, amount, due] of [
      ['JPY', '1234567', '1,234,567', 'JPY 1,234,567'],
      ['KWD', '1.2505', '1.251', 'KWD 1.251'],
    ]) {
      const invoice = await app.given.invoice({
        currency,
        lineItems: [{ description: 'Fee', quantity: 1, unitPrice }],
      });
      const lines = await linesOf(invoice.id);
      expect(lines.find((line) => line.startsWith('Fee'))).toMatch(new RegExp(`^Fee  1  [0-9.,]+  ${amount}$`));
      expect(lines).toContain(`Amount due  ${due}`);
    }
  });

  test('200 500 lines over pages, the head of the table on each', async () => {
    const lineItems = Array.from({ length: 500 }, (_, i) => ({
      description: `Service ${i + 1}`,
      quantity: 1,
      unitPrice: '1',
    }));
    const { id } = await app.given.invoice({ lineItems });
    const { pages } = readPdf((await app.api.get(path(id))).body);
    expect(pages.length).toBeGreaterThan(10);
    const services = pages.flat().filter((line) => line.startsWith('Service '));
    expect(services).toEqual(lineItems.map(({ description }) => `${description}  1  1.00  1.00`));
    for (const [i, lines] of pages.entries()) {
      expect(lines.at(-1)).toMatch(new RegExp(`  Page ${i + 1} of ${pages.length}$`));
      if (lines.some((line) => line.startsWith('Service ')))
        expect(lines).toContain('Description  Quantity  Unit price  Amount (USD)');
    }
  });

  test('200 to the customer and its key for an issued invoice', async () => {
    const { id } = await given();
    for (const answer of [await portal.get(path(id)), await key.get(path(id, '/api/v1'))]) {
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/pdf']);
      expect(readPdf(answer.body).pages.flat()).toContain('Łódź Książki');
    }
  });

  test("404 not_found for a customer's own draft, the invoice of another, and an unknown id", async () => {
    const draft = await given({ status: 'draft' });
    const other = await app.given.invoice();
    for (const id of [draft.id, other.id, UNKNOWN_ID]) {
      expectRefusal(await portal.get(path(id)), 404, 'not_found');
      expectRefusal(await key.get(path(id, '/api/v1')), 404, 'not_found');
    }
    const operator = app.withKey((await app.given.apiKey()).key);
    expect((await operator.get(path(draft.id, '/api/v1'))).status).toBe(200);
  });

  test('401 unauthorized without credentials', async () => {
    const { id } = await given();
    expectRefusal(await app.anonymous.get(path(id)), 401, 'unauthorized');
  });
});
