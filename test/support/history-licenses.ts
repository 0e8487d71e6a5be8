import fc from 'fast-check';
import { addDays } from '../../src/platform/calendar.ts';
import type { Answer, TestApp } from './app.ts';

/** Steps about licences; numbers choose among what is there. */
export type LicenseStep =
  | { do: 'license'; of: number; limit: number | null; days: number | null; ofSub: boolean }
  | { do: 'device'; of: number; device: number }
  | { do: 'removeDevice'; of: number; device: number }
  | { do: 'licenseStatus'; of: number; status: 'active' | 'suspended' | 'revoked' }
  | { do: 'licenseTerms'; of: number; limit?: number | null; feature?: number; days?: number | null }
  | { do: 'sign'; of: number }
  | { do: 'rotate' }
  | { do: 'deleteLicense'; of: number };

const of = fc.nat({ max: 40 });
const device = fc.nat({ max: 5 });
const limit = fc.constantFrom(null, 1, 2, 3);
const days = fc.constantFrom(null, -1, 1, 30, 400);

export const licenseSteps: fc.WeightedArbitrary<LicenseStep>[] = [
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('license' as const),
      of,
      limit,
      days: fc.constantFrom(null, 1, 30, 400),
      ofSub: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('device' as const), of, device }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('removeDevice' as const), of, device }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('licenseStatus' as const),
      of,
      status: fc.constantFrom('active' as const, 'active' as const, 'suspended' as const, 'revoked' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      { do: fc.constant('licenseTerms' as const), of, limit, feature: fc.nat({ max: 2 }), days },
      { requiredKeys: ['do', 'of'] },
    ),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('sign' as const), of }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rotate' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteLicense' as const), of }) },
];

const KINDS = ['license', 'device', 'removeDevice', 'licenseStatus', 'licenseTerms', 'sign', 'rotate', 'deleteLicense'];

export const isLicenseStep = (step: { do: string }): step is LicenseStep => KINDS.includes(step.do);

type Post = (path: string, body: object) => Promise<Answer>;

/** Takes such a step through the API; undefined when there is nothing to do it to. */
export async function license(app: TestApp, step: LicenseStep, post: Post): Promise<Answer | undefined> {
  const until = (after: number | null) => (after === null ? null : addDays(app.clock.now(), after));
  if (step.do === 'rotate') return post('/api/licenses/keypair', {});
  if (step.do === 'license') {
    const rows = await app.database.read(step.ofSub ? 'subscriptions' : 'customers').orderBy('id');
    const row = rows[step.of % rows.length];
    const [product] = await app.database.read('products').orderBy('id');
    if (!row || !product) return undefined;
    return post('/api/licenses', {
      customerId: step.ofSub ? row.customer_id : row.id,
      subscriptionId: step.ofSub ? row.id : null,
      productId: product.id,
      maxActivations: step.limit,
      expiresAt: until(step.days),
    });
  }
  const rows = await app.database.read('licenses').orderBy('id');
  const row = rows[step.of % rows.length];
  if (!row) return undefined;
  const path = `/api/licenses/${row.license_key}`;
  const deviceId = 'device' in step ? `device-${step.device}` : '';
  if (step.do === 'device')
    return app.anonymous.post('/api/licenses/validate', { licenseKey: row.license_key, deviceId });
  if (step.do === 'removeDevice') return app.api.delete(`${path}/activations/${deviceId}`);
  if (step.do === 'deleteLicense') return app.api.delete(path);
  if (step.do === 'sign') return post(`${path}/sign`, {});
  if (step.do === 'licenseStatus') return app.api.put(path, { status: step.status });
  return app.api.put(path, {
    ...('limit' in step ? { maxActivations: step.limit } : {}),
    ...('feature' in step ? { features: { [`feature-${step.feature}`]: true } } : {}),
    ...(step.days === undefined ? {} : { expiresAt: until(step.days) }),
  });
}
