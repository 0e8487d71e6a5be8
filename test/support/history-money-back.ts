import fc from 'fast-check';
import { formatMoney } from '../../src/platform/money.ts';
import type { Answer, TestApp } from './app.ts';

/** Steps that give money back or move credit; numbers choose among what is there. */
export type MoneyBack =
  | { do: 'adjust'; of: number; amount: number }
  | { do: 'credit'; of: number; share: Share; draft: boolean }
  | { do: 'note'; of: number; status: 'issued' | 'void' }
  | { do: 'refund'; of: number; share: Share; destination: 'original' | 'credit' };

const SHARES = ['cent', 'third', 'all', 'over'] as const;
type Share = (typeof SHARES)[number];

const of = fc.nat({ max: 40 });
const share = fc.constantFrom(...SHARES);

export const moneyBack: fc.WeightedArbitrary<MoneyBack>[] = [
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('adjust' as const), of, amount: fc.integer({ min: -9999, max: 19_999 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('credit' as const), of, share, draft: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('note' as const),
      of,
      status: fc.constantFrom('issued' as const, 'void' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('refund' as const),
      of,
      share,
      destination: fc.constantFrom('original' as const, 'original' as const, 'credit' as const),
    }),
  },
];

export const isMoneyBack = (step: { do: string }): step is MoneyBack =>
  ['adjust', 'credit', 'note', 'refund'].includes(step.do);

type Post = (path: string, body: object) => Promise<Answer>;

/** Takes such a step through the API; undefined when there is nothing to do it to. */
export async function giveBack(app: TestApp, step: MoneyBack, post: Post): Promise<Answer | undefined> {
  const rows = await app.database.read(TABLES[step.do]).orderBy('id');
  const row = rows[step.of % rows.length];
  if (!row) return undefined;
  if (step.do === 'adjust') {
    const amount = formatMoney(BigInt(step.amount), 'USD');
    return post('/api/billing/credits', { customerId: row.id, currency: 'USD', amount, description: 'd' });
  }
  if (step.do === 'note') return app.api.put(`/api/billing/credit-notes/${row.id}`, { status: step.status });
  const amount = formatMoney(partOf(BigInt(row[step.do === 'credit' ? 'total' : 'amount']), step.share), row.currency);
  if (step.do === 'refund')
    return post('/api/billing/refunds', { paymentId: row.id, amount, reason: 'r', destination: step.destination });
  const status = step.draft ? 'draft' : 'issued';
  return post('/api/billing/credit-notes', { invoiceId: row.id, amount, reason: 'r', status });
}

const TABLES = { adjust: 'customers', credit: 'invoices', note: 'credit_notes', refund: 'payments' };

const partOf = (whole: bigint, part: Share): bigint =>
  ({ cent: 1n, third: whole / 3n + 1n, all: whole > 0n ? whole : 1n, over: whole + 1n })[part];
