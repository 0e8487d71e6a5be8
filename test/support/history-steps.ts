import fc from 'fast-check';
import { type LicenseStep, licenseSteps } from './history-licenses.ts';
import { type MoneyBack, moneyBack } from './history-money-back.ts';
import { type PlanStep, planSteps } from './history-plan-change.ts';
import { type Usage, usage } from './history-usage.ts';

/** What a person, a clock or a job does next; numbers choose among what is there when the step is taken. */
export type Step =
  | { do: 'customer'; place: number }
  | { do: 'move'; customer: number; place: number }
  | { do: 'subscribe'; customer: number; plan: number; cycle: number; quantity: number; trial: number; ahead: number }
  | { do: 'status'; sub: number; status: 'active' | 'paused' | 'canceled' }
  | { do: 'cancel'; sub: number }
  | { do: 'endAtPeriodEnd'; sub: number; value: boolean }
  | { do: 'ahead'; sub: number; days: number }
  | { do: 'discount'; sub: number; coupon: number }
  | { do: 'removeDiscount'; sub: number; discount: number }
  | { do: 'reprice'; plan: number; price: number }
  | { do: 'invoice'; customer: number; lines: [quantity: number, price: number][]; issue: boolean; ofSub: boolean }
  | { do: 'invoiceStatus'; invoice: number; status: 'issued' | 'paid' | 'void' }
  | { do: 'editDraft'; invoice: number; price: number }
  | { do: 'deleteInvoice'; invoice: number }
  | { do: 'pay'; invoice: number; share: 'part' | 'exact' | 'over'; method: number; reference: number }
  | { do: 'tax'; place: number; rate: number; inclusive: boolean }
  | { do: 'changeTax'; rule: number; rate: number }
  | { do: 'endTax'; rule: number }
  | { do: 'settings'; terms: number; ahead: number; prefix: number }
  | { do: 'wait'; by: number; run: boolean }
  | { do: 'waitForSub'; sub: number; ms: number; run: boolean }
  | { do: 'run'; job: 'lifecycle' | 'dunning' | 'run' }
  | { do: 'repeat' }
  | PlanStep
  | { do: 'crash'; at: number }
  | MoneyBack
  | Usage
  | LicenseStep;

const index = fc.nat({ max: 40 });
const place = fc.nat({ max: 3 });

/** 1 hour to 14 months, in milliseconds or months. */
export const WAITS: { months?: number; days?: number; hours?: number; ms?: number }[] = [
  ...[{ ms: 1 }, { hours: 1 }, { hours: 23 }, { days: 1 }, { days: 3 }, { days: 7 }, { days: 24 }, { days: 31 }],
  ...[{ months: 1 }, { months: 1 }, { months: 2 }, { months: 5 }, { months: 14 }],
];

/** Changes of subscriptions and of time only: what they lead to must not depend on when runs happen (rules S14). */
const life: fc.WeightedArbitrary<Step>[] = [
  ...planSteps,
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      customer: index,
      plan: index,
      cycle: fc.nat({ max: 2 }),
      quantity: fc.integer({ min: 1, max: 25 }),
      trial: fc.constantFrom(0, 0, 0, 1, 2, 14, 40),
      ahead: fc.constantFrom(0, 3, 7, 90),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      sub: index,
      status: fc.constantFrom(
        'active' as const,
        'active' as const,
        'paused' as const,
        'paused' as const,
        'canceled' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), sub: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('endAtPeriodEnd' as const), sub: index, value: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('ahead' as const), sub: index, days: fc.constantFrom(0, 3, 7, 90) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('discount' as const), sub: index, coupon: fc.nat({ max: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('removeDiscount' as const), sub: index, discount: fc.nat({ max: 3 }) }),
  },
  {
    weight: 11,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      by: fc.nat({ max: WAITS.length - 1 }),
      run: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('waitForSub' as const),
      sub: index,
      ms: fc.constantFrom(-1, 0, 0, 1),
      run: fc.boolean(),
    }),
  },
];

const money: fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.record({ do: fc.constant('customer' as const), place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), customer: index, place }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reprice' as const),
      plan: index,
      price: fc.integer({ min: 1, max: 99999 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('invoice' as const),
      customer: index,
      lines: fc.array(fc.tuple(fc.integer({ min: 1, max: 99999 }), fc.integer({ min: -2000, max: 99999 })), {
        minLength: 1,
        maxLength: 3,
      }),
      issue: fc.boolean(),
      ofSub: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('invoiceStatus' as const),
      invoice: index,
      status: fc.constantFrom('issued' as const, 'paid' as const, 'paid' as const, 'void' as const, 'void' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('editDraft' as const), invoice: index, price: fc.nat({ max: 9999 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteInvoice' as const), invoice: index }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('pay' as const),
      invoice: index,
      share: fc.constantFrom('part' as const, 'exact' as const, 'over' as const),
      method: fc.nat({ max: 5 }),
      reference: fc.nat({ max: 12 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tax' as const),
      place,
      rate: fc.integer({ min: 0, max: 2500 }),
      inclusive: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('changeTax' as const),
      rule: index,
      rate: fc.integer({ min: 0, max: 2500 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('endTax' as const), rule: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('settings' as const),
      terms: fc.constantFrom(0, 1, 14, 30),
      ahead: fc.constantFrom(0, 7, 30),
      prefix: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      job: fc.constantFrom('lifecycle' as const, 'dunning' as const, 'run' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('crash' as const), at: fc.integer({ min: 1, max: 18 }) }) },
  ...moneyBack,
  ...licenseSteps,
  ...usage,
];

/** Lengths and choices evenly spread: small ones are no likelier to fail. */
const arrayOf = (steps: fc.WeightedArbitrary<Step>[], length: number): fc.Arbitrary<Step[]> =>
  fc.noBias(fc.array(fc.oneof(...steps), { minLength: 1, maxLength: length, size: 'max' }));

/** Up to `length` steps of every kind. */
export const anyHistory = (length: number): fc.Arbitrary<Step[]> => arrayOf([...life, ...money], length);

/** Up to `length` steps that only concern subscriptions and time. */
export const anyLife = (length: number): fc.Arbitrary<Step[]> => arrayOf(life, length);

/** Mostly changes of what is sold, among what meets them: time, payments, credit notes, voids, discounts, pauses. */
export const anyChanges = (length: number): fc.Arbitrary<Step[]> =>
  arrayOf(
    [...planSteps.map(({ arbitrary, weight }) => ({ arbitrary, weight: weight * 7 })), ...life, ...money],
    length,
  );
