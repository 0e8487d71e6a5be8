import fc from 'fast-check';
import { COUPONS, MONEY, TAXES } from './catalogue.ts';

export interface Setting {
  money: number;
  tax: number;
  plan: number;
  months: number;
  quantity: number;
  trialDays: number;
  ahead: number;
  coupon: number | null;
}
/** `named`: with the quantity. */
export interface How {
  prorate: boolean;
  atEnd: boolean;
  named: boolean;
}
export type Part = 'cent' | 'third' | 'all' | 'over';
export type LifeStep =
  | { do: 'wait'; hours: number; run: boolean }
  | { do: 'waitForEnd'; ms: number; run: boolean }
  | ({ do: 'change'; plan: number; months: number; quantity: number } & How)
  | { do: 'reprice'; plan: number }
  | { do: 'retax'; days: number; rate: string }
  | { do: 'credit'; invoice: number; part: Part }
  | { do: 'refund'; payment: number; part: Part; toBalance: boolean }
  | { do: 'quantity'; quantity: number }
  | { do: 'attach'; coupon: number }
  | { do: 'detach'; discount: number }
  | { do: 'ending'; value: boolean }
  | { do: 'ahead'; days: number }
  | { do: 'pay'; invoice: number; part: 'some' | 'all' | 'more' }
  | { do: 'use'; values: { hours: number; value: number }[] }
  | { do: 'void'; event: number }
  | { do: 'pause' | 'resume' | 'cancel' };
export interface Life {
  setting: Setting;
  steps: LifeStep[];
}

const index = fc.nat({ max: 40 });
const quantity = fc.integer({ min: 1, max: 25 });
const days = fc.constantFrom(0, 3, 7, 90);
const setting: fc.Arbitrary<Setting> = fc.record({
  money: fc.nat({ max: MONEY.length - 1 }),
  tax: fc.nat({ max: TAXES.length - 1 }),
  plan: fc.oneof(index, fc.constantFrom(7, 8, 9, 10, 11, 12, 13, 14)),
  months: fc.nat({ max: 2 }),
  quantity,
  trialDays: fc.constantFrom(0, 0, 0, 14),
  ahead: days,
  coupon: fc.option(fc.nat({ max: COUPONS.length - 1 }), { freq: 2 }),
});
const part = fc.constantFrom<Part>('cent', 'third', 'all', 'all', 'over');
const known = <T extends string>(name: T) => fc.constant(name);
const step: fc.Arbitrary<LifeStep> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: known('wait'), hours: fc.integer({ min: 0, max: 1200 }), run: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: known('waitForEnd'), ms: fc.constantFrom(-1000, 0, 1), run: fc.boolean() }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: known('change'),
      plan: fc.oneof(index, fc.constantFrom(12, 13, 14)),
      months: fc.nat({ max: 2 }),
      quantity,
      prorate: fc.constantFrom(true, true, true, false),
      atEnd: fc.constantFrom(false, false, true),
      named: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: known('quantity'), quantity }) },
  { weight: 1, arbitrary: fc.record({ do: known('reprice'), plan: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: known('retax'),
      days: fc.nat({ max: 60 }),
      rate: fc.constantFrom('0.05', '0.0725', '0.19'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: known('credit'), invoice: index, part }) },
  { weight: 3, arbitrary: fc.record({ do: known('refund'), payment: index, part, toBalance: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: known('attach'), coupon: fc.nat({ max: COUPONS.length - 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: known('detach'), discount: index }) },
  { weight: 2, arbitrary: fc.record({ do: known('ending'), value: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: known('ahead'), days }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: known('pay'), invoice: index, part: fc.constantFrom('some', 'all', 'all', 'more') }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: known('use'),
      values: fc.array(fc.record({ hours: fc.nat({ max: 900 }), value: fc.integer({ min: -500, max: 3000 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: known('void'), event: index }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constantFrom('pause', 'pause', 'resume', 'resume', 'resume', 'cancel') }),
  },
) as fc.Arbitrary<LifeStep>;

export const anyLife = (length: number): fc.Arbitrary<Life> =>
  fc.record({ setting, steps: fc.noBias(fc.array(step, { minLength: 1, maxLength: length, size: 'max' })) });
