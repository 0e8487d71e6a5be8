import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { formatMoney, parseMoney } from '../../src/platform/money.ts';
import type { Answer, TestApp } from './app.ts';

/** Steps that change what a subscription is sold at; numbers choose among what is there, -1 = not said. */
export type PlanStep =
  | {
      do: 'change';
      sub: number;
      plan: number;
      quantity: number;
      cycle: number;
      effective: 'now' | 'period_end';
      prorate: boolean;
      quoted: boolean;
    }
  | { do: 'quantity'; sub: number; quantity: number };

const sub = fc.nat({ max: 40 });

export const planSteps: fc.WeightedArbitrary<PlanStep>[] = [
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      sub,
      plan: fc.integer({ min: -1, max: 40 }),
      quantity: fc.constantFrom(-1, -1, 1, 5, 12, 25),
      cycle: fc.constantFrom(-1, -1, 0, 1, 2),
      effective: fc.constantFrom('now' as const, 'now' as const, 'period_end' as const),
      prorate: fc.constantFrom(true, true, true, false),
      quoted: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('quantity' as const), sub, quantity: fc.integer({ min: 1, max: 30 }) }),
  },
];

export const isPlanStep = (step: { do: string }): step is PlanStep => step.do === 'change' || step.do === 'quantity';

type Post = (path: string, body: object) => Promise<Answer>;
const CYCLES = ['monthly', 'quarterly', 'yearly'];

/**
 * Changes a subscription after a preview of it. Throws when the preview is not what is then issued, or when only one of
 * both is refused.
 */
export async function changePlan(
  app: TestApp,
  row: { id: string; plan_id: string },
  step: PlanStep & { do: 'change' },
  planId: string | undefined,
  post: Post,
): Promise<Answer> {
  const path = `/api/billing/subscriptions/${row.id}/change-plan`;
  const body = {
    newPlanId: planId ?? row.plan_id,
    effective: step.effective,
    prorate: step.prorate,
    ...(step.quantity < 0 ? {} : { quantity: step.quantity }),
    ...(step.cycle < 0 ? {} : { billingCycle: CYCLES[step.cycle] }),
  };
  const preview = await app.api.post(`${path}/preview`, body);
  const known = new Set((await notes(app)).map(({ id }) => id));
  const token = step.quoted && preview.status === 200 ? { quoteToken: preview.body.quoteToken } : {};
  const answer = await post(path, { ...body, ...token });
  if (preview.status !== answer.status || preview.body.error !== answer.body.error)
    throw new Error(`previewed ${preview.text}, answered ${answer.text}`);
  if (answer.status !== 200) return answer;
  const fresh = (await notes(app)).filter(({ id, cause }) => cause === 'proration' && !known.has(id));
  const issued = issuedOf(answer.body, fresh, preview.body.currency);
  const { taxAmount, total } = preview.body;
  if (!isDeepStrictEqual(issued, { taxAmount, total }))
    throw new Error(`previewed ${preview.text}, issued ${JSON.stringify(issued)}: ${answer.text}`);
  const lines = answer.body.invoice?.lineItems.map(({ id: _, ...line }: { id: string }) => line);
  const shown = preview.body.lines.filter(
    ({ description }: { description: string }) =>
      lines?.length !== preview.body.lines.length - 1 || !/^Unused/.test(description),
  );
  if (lines && !isDeepStrictEqual(lines, shown)) throw new Error(`previewed ${preview.text}, issued ${answer.text}`);
  return answer;
}

interface Note {
  id: string;
  cause: string;
  amount: unknown;
  tax_amount: unknown;
}
const notes = (app: TestApp): Promise<Note[]> => app.database.read('credit_notes').orderBy('id');

// biome-ignore lint/suspicious/noExplicitAny: the answer of the API; the contract check is on
function issuedOf({ invoice, creditIssued }: any, fresh: Note[], currency: string) {
  const given = fresh.reduce((sum, { amount }) => sum + BigInt(amount as number), 0n);
  const tax = fresh.reduce((sum, note) => sum + BigInt(note.tax_amount as number), 0n);
  if (formatMoney(given, currency) !== (creditIssued ?? formatMoney(0n, currency)))
    throw new Error(`credit notes of ${given} minor units, answered ${creditIssued}`);
  const of = (member: 'total' | 'taxAmount') => (invoice ? parseMoney(invoice[member], currency) : 0n);
  return {
    taxAmount: formatMoney(of('taxAmount') - tax, currency),
    total: formatMoney(of('total') - given, currency),
  };
}
