import { describe, expect, test } from '@jest/globals';
import type { JournalLine } from '../../../src/billing/ledger/entries.ts';
import * as entries from '../../../src/billing/ledger/entries.ts';

const ONE = new Map<string | null, bigint>([['a', 1n]]);
const TWO = new Map<string | null, bigint>([
  ['a', 200n],
  ['b', 100n],
]);
const NONE = new Map<string | null, bigint>();

/** Lines as `account product amount`; they always sum to zero (rules G1). */
function shown(lines: JournalLine[]): string[] {
  expect(lines.reduce((sum, { amount }) => sum + amount, 0n)).toBe(0n);
  return lines.map(({ account, productId, amount }) => `${account}${productId ? ` ${productId}` : ''} ${amount}`);
}

describe('the entries of rules G3', () => {
  test('an issued invoice: what is owed, discounts and revenue by product, tax', () => {
    expect(shown(entries.issuedLines(10725n, 300n, 725n, TWO))).toEqual([
      'receivable 10725',
      'discounts a 200',
      'discounts b 100',
      'revenue a -6867',
      'revenue b -3433',
      'tax_payable -725',
    ]);
    expect(shown(entries.issuedLines(100n, 0n, 0n, NONE))).toEqual(['receivable 100', 'revenue -100']);
    expect(entries.issuedLines(0n, 0n, 0n, ONE)).toEqual([]);
  });

  test('credit: applied, returned, given and taken by hand', () => {
    expect(shown(entries.creditAppliedLines(5n))).toEqual(['customer_credit 5', 'receivable -5']);
    expect(shown(entries.creditReturnedLines(5n))).toEqual(['receivable 5', 'customer_credit -5']);
    expect(shown(entries.creditManualLines(5n))).toEqual(['discounts 5', 'customer_credit -5']);
    expect(shown(entries.creditManualLines(-5n))).toEqual(['discounts -5', 'customer_credit 5']);
  });

  test.each([
    ['stripe', 'cash:stripe'],
    ['xendit', 'cash:xendit'],
    ['lemonsqueezy', 'cash:lemonsqueezy'],
    ['manual', 'cash:manual'],
    ['bank_transfer', 'cash:manual'],
    ['check', 'cash:manual'],
  ] as const)('a payment by %s is in %s, its excess on the balance', (method, account) => {
    expect(shown(entries.paymentLines(method, 70n, 30n))).toEqual([
      `${account} 100`,
      'receivable -70',
      'customer_credit -30',
    ]);
    expect(shown(entries.paymentLines(method, 70n, 0n))).toEqual([`${account} 70`, 'receivable -70']);
  });

  test('a method that nobody knows is booked nowhere', () => {
    expect(() => entries.paymentLines('barter' as 'manual', 70n, 30n)).toThrow();
  });

  test('a credit note takes revenue and tax back, from what is owed and to the balance', () => {
    const note = { amount: 110n, taxAmount: 10n, appliedToInvoice: 60n, creditedToBalance: 50n };
    expect(shown(entries.creditNoteLines(note, TWO))).toEqual([
      'revenue a 67',
      'revenue b 33',
      'tax_payable 10',
      'receivable -60',
      'customer_credit -50',
    ]);
  });

  test('a refund: its excess is reserved, then money or credit goes out', () => {
    expect(shown(entries.refundReservedLines(30n, TWO))).toEqual([
      'customer_credit 30',
      'refunds a -20',
      'refunds b -10',
    ]);
    const refund = { destination: 'original' as const, appliedPart: 110n, excessPart: 30n, taxAmount: 10n };
    expect(shown(entries.refundCompletedLines(refund, 'stripe', TWO))).toEqual([
      'refunds a 67',
      'refunds b 33',
      'refunds a 20',
      'refunds b 10',
      'tax_payable 10',
      'cash:stripe -140',
    ]);
    const toCredit = { destination: 'credit' as const, appliedPart: 110n, excessPart: 0n, taxAmount: 10n };
    expect(shown(entries.refundCompletedLines(toCredit, 'stripe', ONE))).toEqual([
      'refunds a 100',
      'tax_payable 10',
      'customer_credit -110',
    ]);
  });

  test('what is negated undoes an entry, line by line', () => {
    const lines = entries.issuedLines(10725n, 300n, 725n, TWO);
    expect(entries.negated(lines)).toEqual(lines.map((line) => ({ ...line, amount: -line.amount })));
  });
});

test('G2 later splits weigh what was posted at issue: revenue less discounts, per product', () => {
  expect(entries.productWeights(entries.issuedLines(10725n, 300n, 725n, TWO))).toEqual(
    new Map([
      ['a', 6667n],
      ['b', 3333n],
    ]),
  );
  expect(entries.productWeights([{ account: 'refunds', amount: 5n, productId: 'a' }])).toEqual(new Map());
});

test('INV1 an entry out of balance, by however little, is never stored', () => {
  const entry = {
    factType: 'invoice.issued',
    factId: 'i',
    currency: 'USD',
    customerId: null,
    invoiceId: null,
  } as const;
  const lines = entries.creditAppliedLines(5n);
  expect(() => entries.checkBalanced({ ...entry, lines })).not.toThrow();
  const off = lines.map((line, i) => ({ ...line, amount: line.amount + BigInt(i) }));
  expect(() => entries.checkBalanced({ ...entry, lines: off })).toThrow('invoice.issued i is out of balance by 1');
});
