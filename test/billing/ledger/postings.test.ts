import { afterEach, describe, expect, test } from '@jest/globals';
import {
  closeApps,
  type Entity,
  pay,
  posting,
  putInvoice,
  putSubscription,
  runAt,
  startAt,
  trialBalance,
} from '../support.ts';

afterEach(closeApps);

const NOW = '2026-03-15T10:30:00.000Z';

/** WORKED VALUES of rules §15, as far as their facts exist: no coupons, adjustments or refunds yet. */
describe('postings', () => {
  test('G.2-G.4, G.8: issue with tax, credit used, payment with excess, void', async () => {
    const app = await startAt(NOW);
    await app.given.taxRule();
    const customer = await app.given.customer({ billingCountry: 'US' });
    const make = (unitPrice: string) =>
      app.given.invoice({ customerId: customer.id, lineItems: [{ description: 'x', quantity: 1, unitPrice }] });
    const first = await make('90.00');
    expect(await posting(app, 'invoice.issued', first.id)).toEqual({
      receivable: '96.53',
      revenue: '-90.00',
      tax_payable: '-6.53',
    });
    const paid = (await pay(app, first.id, '116.53', { paymentMethod: 'stripe', providerReference: 'pi_1' })).body;
    expect(await posting(app, 'payment.succeeded', paid.id)).toEqual({
      'cash:stripe': '116.53',
      receivable: '-96.53',
      customer_credit: '-20.00',
    });
    const second = await make('100.00');
    const [use] = await app.database.read('credit_entries').where({ invoice_id: second.id });
    expect(await posting(app, 'credit.applied', use.id)).toEqual({ customer_credit: '20.00', receivable: '-20.00' });
    expect(await trialBalance(app)).toEqual({
      receivable: '87.25',
      'cash:stripe': '116.53',
      customer_credit: '0.00',
      revenue: '-190.00',
      tax_payable: '-13.78',
    });
    await putInvoice(app, second.id, { status: 'void' });
    expect(await posting(app, 'invoice.voided', second.id)).toEqual({
      receivable: '-107.25',
      revenue: '100.00',
      tax_payable: '7.25',
    });
    expect(await trialBalance(app)).toEqual({
      receivable: '0.00',
      'cash:stripe': '116.53',
      customer_credit: '-20.00',
      revenue: '-90.00',
      tax_payable: '-6.53',
    });
  });

  test('G1 each fact once, each entry sums to zero; customer, invoice and instant stand on it', async () => {
    const app = await startAt(NOW);
    const sub = await app.given.subscription();
    await runAt(app, '2026-04-10T00:00:00.000Z');
    await putSubscription(app, sub.id, { cancelAtPeriodEnd: true });
    const entries: Entity[] = await app.database.read('journal_entries').orderBy('id');
    expect(entries.map(({ fact_type: type, posted_at: at }) => `${at.slice(0, 10)} ${type}`)).toEqual([
      '2026-03-15 invoice.issued',
      '2026-04-10 invoice.issued',
      '2026-04-10 invoice.voided',
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({ customer_id: sub.customerId, invoice_id: entry.fact_id, currency: 'USD' });
      const lines: Entity[] = await app.database.read('journal_lines').where({ entry_id: entry.id });
      expect(lines.reduce((sum, { amount }) => sum + BigInt(amount), 0n)).toBe(0n);
    }
  });

  test.each([
    ['manual', 'cash:manual'],
    ['check', 'cash:manual'],
    ['xendit', 'cash:xendit'],
    ['lemonsqueezy', 'cash:lemonsqueezy'],
  ])('money by %s lies in %s', async (paymentMethod, account) => {
    const app = await startAt(NOW);
    const { id } = await app.given.invoice();
    const { body } = await pay(app, id, '30.00', { paymentMethod });
    expect(await posting(app, 'payment.succeeded', body.id)).toEqual({ [account]: '30.00', receivable: '-30.00' });
  });

  test('G2 revenue carries the product of the plan; a manual invoice has none', async () => {
    const app = await startAt(NOW);
    await app.given.taxRule();
    const customer = await app.given.customer({ billingCountry: 'US' });
    const plan = await app.given.plan({ basePrice: '100.00' });
    await app.given.subscription({ customerId: customer.id, planId: plan.id });
    await app.given.invoice({ customerId: customer.id });
    const lines: Entity[] = await app.database
      .read('journal_lines')
      .orderBy(['entry_id', 'line_no'])
      .select('account', 'product_id');
    expect(lines.map(({ account, product_id: product }) => [account, product])).toEqual([
      ['receivable', null],
      ['revenue', plan.productId],
      ['tax_payable', null],
      ['receivable', null],
      ['revenue', null],
      ['tax_payable', null],
    ]);
  });

  test('G4 a draft, its change and its void post nothing', async () => {
    const app = await startAt(NOW);
    const draft = await app.given.invoice({ status: 'draft' });
    await putInvoice(app, draft.id, { notes: 'x' });
    await putInvoice(app, draft.id, { status: 'void' });
    expect(await app.database.read('journal_entries')).toEqual([]);
  });
});
