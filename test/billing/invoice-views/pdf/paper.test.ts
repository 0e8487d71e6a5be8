import { describe, expect, test } from '@jest/globals';
import type { CreditNote } from '../../../../src/billing/credit-notes/credit-note.ts';
import { layOut } from '../../../../src/billing/invoice-views/pdf/layout.ts';
import { type Item, PAGE } from '../../../../src/billing/invoice-views/pdf/page.ts';
import { type PaperInput, paperOf } from '../../../../src/billing/invoice-views/pdf/paper.ts';
import { createTypesetter } from '../../../../src/billing/invoice-views/pdf/typeset.ts';
import type { Invoice, InvoiceLine } from '../../../../src/billing/invoices/invoice.ts';
import type { Payment } from '../../../../src/billing/payments/payment.ts';
import { parseDecimal } from '../../../../src/platform/decimal.ts';

const AT = '2026-03-15T10:30:00.000Z';
const billTo = {
  ...{ name: 'Acme Corp', company: null, email: 'billing@acme.example', address: '350 Fifth Avenue\nFloor 21' },
  ...{ city: 'New York', state: 'NY', zip: '10118', country: 'US', taxId: null },
};
const seller = {
  companyName: 'Example Software Ltd',
  companyAddress: null,
  companyEmail: null,
  companyTaxId: null,
  invoiceFooter: null,
};
const invoice: Invoice = {
  ...{ id: 'i', invoiceNumber: 'INV-2026-0042', customerId: 'c', customerName: 'Acme Corp', billTo, seller },
  ...{ subscriptionId: null, origin: 'manual', status: 'issued', currency: 'USD', subtotal: 24999n },
  ...{ discountAmount: 2500n, taxAmount: 1631n, total: 24130n, creditsApplied: 1000n, creditNotesAmount: 3000n },
  ...{ amountPaid: 10000n, amountRefunded: 0n, amountDue: 10130n, reversedAmount: 0n, reversedTax: 0n },
  ...{ taxName: 'VAT', taxRate: parseDecimal('0.0725'), taxInclusive: false, taxRuleId: null, issuedAt: AT },
  ...{ dueDate: '2026-04-14T10:30:00.000Z', paidAt: null, voidedAt: null, collectAt: null, notes: null, version: 1 },
  ...{ createdAt: AT, updatedAt: AT },
};
const line: InvoiceLine = {
  ...{ id: 'l', invoiceId: 'i', position: 1, kind: 'plan', description: 'Pro', quantity: parseDecimal('1') },
  ...{ unitPrice: parseDecimal('249.99'), amount: 24999n, productId: null, planVersionId: null },
  ...{ billingPeriodId: null, discountId: null, periodStart: null, periodEnd: null },
};
const discount: InvoiceLine = { ...line, kind: 'discount', description: 'Discount: SPRING10', amount: -2500n };
const payment: Payment = {
  ...{ id: 'p', invoiceId: 'i', customerId: 'c', method: 'stripe', status: 'succeeded', amount: 10000n },
  ...{
    currency: 'USD',
    appliedAmount: 10000n,
    creditedAmount: 0n,
    refundedAmount: 0n,
    refundedApplied: 0n,
    refundedExcess: 0n,
    providerReference: null,
  },
  ...{ notes: null, paidAt: '2026-03-20T00:00:00.000Z', createdAt: AT, updatedAt: AT },
};
const creditNote: CreditNote = {
  ...{ id: 'n', creditNoteNumber: 'CN-2026-0003', invoiceId: 'i', customerId: 'c', status: 'issued' },
  ...{ cause: 'manual', amount: 3000n, taxAmount: 0n, appliedToInvoice: 3000n, creditedToBalance: 0n },
  ...{ currency: 'USD', reason: 'Outage', issuedAt: '2026-03-18T00:00:00.000Z', voidedAt: null },
  ...{ createdAt: AT, updatedAt: AT },
};
const input = (over: Partial<PaperInput> = {}): PaperInput => ({
  invoice,
  lines: [line, discount],
  payments: [payment],
  creditNotes: [creditNote],
  ...over,
});
const footed = (invoiceFooter: string) => ({ invoice: { ...invoice, seller: { ...seller, invoiceFooter } } });
const totals = (over: Partial<PaperInput> = {}) =>
  paperOf(input(over)).totals.map(({ label, amount }) => `${label}: ${amount}`);

describe('totals', () => {
  test('from the subtotal to the amount due, discounts and settlements in between', () => {
    expect(totals()).toEqual([
      ...['Subtotal: 249.99', 'Discount: SPRING10: -25.00', 'VAT 7.25%: 16.31', 'Total: USD 241.30'],
      ...['Credit balance used: -10.00', 'Credit note CN-2026-0003, 18 Mar 2026: -30.00'],
      ...['Payment, 20 Mar 2026, Stripe: -100.00', 'Amount due: USD 101.30'],
    ]);
    expect(paperOf(input()).rows.map(({ description }) => description)).toEqual(['Pro']);
  });

  test('inclusive tax stands after the total, as part of it; no tax is not mentioned', () => {
    const inclusive = { ...invoice, taxInclusive: true, taxRate: parseDecimal('0.2') };
    expect(totals({ invoice: inclusive }).slice(2, 4)).toEqual(['Total: USD 241.30', 'Includes VAT 20%: 16.31']);
    expect(totals({ invoice: { ...invoice, taxName: null, taxRate: null } }).join()).not.toContain('VAT');
  });

  test('oldest settlement first; what failed, is pending, draft or void is left out', () => {
    const open = { ...payment, status: 'pending' } as const;
    const later = { ...payment, paidAt: '2026-03-25T00:00:00.000Z', method: 'check' } as const;
    const draft = { ...creditNote, status: 'draft', creditNoteNumber: null } as const;
    const shown = totals({ payments: [later, open, payment], creditNotes: [draft, { ...creditNote, status: 'void' }] });
    expect(shown.slice(5)).toEqual([
      ...['Payment, 20 Mar 2026, Stripe: -100.00', 'Payment, 25 Mar 2026, check: -100.00', 'Amount due: USD 101.30'],
    ]);
  });

  test('what went to the credit balance and what was refunded is told', () => {
    const kept = { ...creditNote, appliedToInvoice: 0n, creditedToBalance: 3000n };
    const shown = totals({ creditNotes: [kept], invoice: { ...invoice, amountRefunded: 500n } });
    expect(shown).toEqual(
      expect.arrayContaining([
        ...['Credit note CN-2026-0003, 18 Mar 2026: ', 'Added to your credit balance: 30.00'],
        'Of these payments refunded to you: 5.00',
      ]),
    );
  });
});

test('an address is written as its country does', () => {
  const place = (over: object) =>
    paperOf(input({ invoice: { ...invoice, billTo: { ...billTo, ...over } } })).billTo.lines;
  expect(place({})).toEqual(['350 Fifth Avenue\nFloor 21', 'New York, NY 10118', 'United States', billTo.email]);
  expect(place({ state: null, zip: '80331', city: 'München', country: 'DE' })).toContain('80331 München');
  expect(place({ state: null, zip: 'SW1A 1AA', city: 'London', country: 'GB' })).toContain('London, SW1A 1AA');
});

describe('pages', () => {
  const pagesOf = async (over: Partial<PaperInput>) => layOut(paperOf(input(over)), createTypesetter('US'));
  const bottomOf = (item: Item) => (item.kind === 'watermark' ? 0 : item.y + ('height' in item ? item.height : 0));
  const textsOf = (items: Item[]) =>
    items.flatMap((item) => (item.kind === 'text' ? [item.line.runs.map(({ text }) => text).join('')] : []));

  test.each<[string, Partial<PaperInput>]>([
    ['a description of 300 lines', { lines: [{ ...line, description: 'x\n'.repeat(300) }] }],
    ['notes of 5000 characters', { invoice: { ...invoice, notes: 'lorem ipsum '.repeat(416) } }],
    ['an address of 200 lines', { invoice: { ...invoice, billTo: { ...billTo, address: 'x\n'.repeat(200) } } }],
    ['a footer of 200 lines', footed('x\n'.repeat(200))],
    ['a footer of 6 lines', footed('a\nb\nc\nd\ne\nf')],
    ['200 discounts', { lines: [line, ...Array.from({ length: 200 }, () => discount)] }],
    ['200 lines', { lines: Array.from({ length: 200 }, () => line) }],
  ])('%s stay on the paper and do not overlap', async (_, over) => {
    for (const items of await pagesOf(over)) {
      for (const item of items) expect(bottomOf(item)).toBeLessThanOrEqual(PAGE.bottom + 22);
      const places = items.flatMap((item) => (item.kind === 'text' ? [`${item.x} ${item.y}`] : []));
      expect(new Set(places).size).toBe(places.length);
      for (const item of items)
        if (item.kind === 'text') expect(item.x + item.line.width).toBeLessThanOrEqual(PAGE.right + 0.01);
    }
  });

  test('a long footer stands once, a short one on each page', async () => {
    const lines = Array.from({ length: 100 }, () => line);
    const count = async (invoiceFooter: string) =>
      (await pagesOf({ lines, ...footed(invoiceFooter) })).filter((page) => textsOf(page).includes('IBAN')).length;
    const pages = (await pagesOf({ lines })).length;
    expect(pages).toBeGreaterThan(2);
    expect(await count('IBAN')).toBe(pages);
    expect(await count('IBAN\n1\n2\n3\n4\n5\n6')).toBe(1);
  });

  test('the largest amounts fit beside the description', async () => {
    const amount = 999_999_999_999_999n;
    const large = {
      ...line,
      quantity: parseDecimal('999999999.9999'),
      unitPrice: parseDecimal('999999999999.999999999999'),
      amount,
    };
    const [page] = await pagesOf({ invoice: { ...invoice, total: amount, amountDue: amount }, lines: [large] });
    expect(textsOf(page!)).toEqual(
      expect.arrayContaining(['999,999,999.9999', '999,999,999,999.999999999999', '9,999,999,999,999.99']),
    );
    for (const item of page!) if (item.kind === 'text') expect(item.x).toBeGreaterThanOrEqual(PAGE.left);
  });
});
