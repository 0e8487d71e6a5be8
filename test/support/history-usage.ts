import fc from 'fast-check';
import type { Answer, TestApp } from './app.ts';

/** Steps that record and void usage; numbers choose among what is there. */
export type Usage =
  | { do: 'use'; of: number; values: number[]; hoursAgo: number; key: number }
  | { do: 'voidUsage'; of: number };

export const usage: fc.WeightedArbitrary<Usage>[] = [
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('use' as const),
      of: fc.nat({ max: 40 }),
      values: fc.array(fc.integer({ min: -3_000_000, max: 9_999_999 }), { minLength: 1, maxLength: 4 }),
      hoursAgo: fc.constantFrom(0, 0, 0, 1, 24, 24 * 8, 24 * 29, 24 * 45, 24 * 89),
      key: fc.nat({ max: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('voidUsage' as const), of: fc.nat({ max: 40 }) }) },
];

export const isUsage = (step: { do: string }): step is Usage => step.do === 'use' || step.do === 'voidUsage';

type Post = (path: string, body: unknown) => Promise<Answer>;

const BILLED = 'plan_version_id in (select id from plan_versions where usage_metric is not null)';

/** Records usage of a subscription whose plan bills it, or voids an event. */
export async function meter({ database, clock }: TestApp, step: Usage, post: Post): Promise<Answer | undefined> {
  const pick = async (table: string, where: string) => {
    const rows = await database.read(table).whereRaw(where).orderBy('id');
    return rows[step.of % rows.length];
  };
  if (step.do === 'voidUsage') {
    const event = await pick('usage_events', 'true');
    return event && post(`/api/billing/usage/${event.id}/void`, undefined);
  }
  const sub = await pick('subscriptions', BILLED);
  if (!sub) return undefined;
  const timestamp = new Date(Date.parse(clock.now()) - step.hoursAgo * 3_600_000).toISOString();
  const events = step.values.map((value, n) => ({
    subscriptionId: sub.id,
    metricName: 'calls',
    value: String(value / 10_000),
    properties: { user: value % 3 },
    ...(step.hoursAgo > 0 ? { timestamp } : {}),
    ...(step.key > 5 ? { idempotencyKey: `k${step.key}-${n}` } : {}),
  }));
  return post('/api/billing/usage', events.length === 1 ? events[0] : events);
}
