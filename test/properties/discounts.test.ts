import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { parseMoney } from '../../src/platform/money.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { historyParameters, LONG_MS } from '../support/parameters.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ now: '2026-01-31T10:00:00.000Z', config: { sessionExpiryDays: 100_000 } });
});
afterAll(() => app.close());

const { parameters } = historyParameters(8, 0);
const percentage = fc
  .integer({ min: 1, max: 1_000_000 })
  .map((ppm) => ({ discountType: 'percentage', discountValue: (ppm / 10_000).toFixed(4) }));
const amount = fc
  .integer({ min: 1, max: 30_000 })
  .map((cents) => ({ discountType: 'fixed_amount', discountValue: (cents / 100).toFixed(2) }));
const duration = fc.oneof(
  fc.constantFrom({ duration: 'once' }, { duration: 'forever' }),
  fc.integer({ min: 1, max: 4 }).map((durationCycles) => ({ duration: 'repeating', durationCycles })),
);
const coupon = fc.record({
  terms: fc.oneof(percentage, amount),
  duration,
  /** Days after the previous one. */
  wait: fc.nat({ max: 40 }),
  remove: fc.boolean(),
});
const stack = fc.record({
  cents: fc.integer({ min: 1, max: 20_000 }),
  trialDays: fc.constantFrom(0, 0, 14),
  coupons: fc.array(coupon, { minLength: 1, maxLength: 5 }),
});

const minor = (text: string) => parseMoney(text, 'USD');
// biome-ignore lint/suspicious/noExplicitAny: answers are checked against the contract
type Entity = any;

async function lived({ cents, trialDays, coupons }: { cents: number; trialDays: number; coupons: Entity[] }) {
  const { given, api, clock } = app;
  const plan = await given.plan({ basePrice: (cents / 100).toFixed(2) });
  const { id } = await given.subscription({ planId: plan.id, trialDays });
  const path = `/api/billing/subscriptions/${id}/discounts`;
  for (const { terms, duration: lasting, wait, remove } of coupons) {
    clock.advance({ days: wait });
    const { code: couponCode } = await given.coupon({ ...terms, ...lasting });
    const { status, body } = await api.post(path, { couponCode });
    expect(status).toBe(201);
    if (remove) expect((await api.delete(`${path}/${body.id}`)).status).toBe(204);
  }
  clock.advance({ months: 3 });
  expect((await runLifecycle(app.runtime)).errors).toEqual([]);
  return id;
}

describe('random stacks of discounts', () => {
  test(
    'never take off more than the lines they apply to come to (D4), and the books stay right',
    async () => {
      const property = fc.asyncProperty(stack, async (story) => {
        const id = await lived(story);
        for (const invoice of (await app.api.get(`/api/billing/invoices?subscriptionId=${id}`)).body) {
          const sum = (discounts: boolean) =>
            invoice.lineItems
              .filter(({ kind }: Entity) => (kind === 'discount') === discounts)
              .reduce((total: bigint, line: Entity) => total + minor(line.amount), 0n);
          expect(sum(false)).toBe(minor(invoice.subtotal));
          expect(-sum(true)).toBe(minor(invoice.discountAmount));
          expect(minor(invoice.discountAmount)).toBeLessThanOrEqual(minor(invoice.subtotal));
        }
        await app.drain();
        expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
      });
      await fc.assert(property, parameters);
    },
    LONG_MS,
  );
});
