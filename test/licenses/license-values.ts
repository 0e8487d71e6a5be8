import type { Followed, Stage, Terms } from '../../src/licenses/following/follow-rules.ts';
import type { License } from '../../src/licenses/license.ts';

/** A monthly period to the end of February, as in the worked values of rules L8. */
export const NOW = '2026-02-10T08:00:00.000Z';
export const END = '2026-02-28T10:00:00.000Z';
export const CARRIED = '2026-03-03T10:00:00.000Z';
export const NEXT_END = '2026-03-31T10:00:00.000Z';
export const NEXT_CARRIED = '2026-04-03T10:00:00.000Z';
export const GRACE_DAYS = 3;
export const SHELTER = { status: 'active', cancelAtPeriodEnd: false };

export const license = (over: Partial<License> = {}): License => ({
  id: 'license',
  licenseKey: 'RUSTBILL-7K3F-9QWX-M2TB',
  customerId: 'customer',
  customerName: 'Acme Corp',
  productId: 'product',
  productName: 'Desktop',
  subscriptionId: null,
  subscription: null,
  status: 'active',
  statusReason: null,
  features: { pro: true },
  maxActivations: 2,
  currentActivations: 0,
  expiresAt: CARRIED,
  activatedAt: null,
  seq: 0,
  kid: null,
  signedAt: null,
  given: null,
  unsignedSince: null,
  createdAt: '2026-01-31T10:00:00.000Z',
  updatedAt: '2026-01-31T10:00:00.000Z',
  ...over,
});

export const stage = (over: Partial<Stage> = {}): Stage => ({
  status: 'active',
  pauseReason: null,
  cancelReason: null,
  canceledAt: null,
  cancelAtPeriodEnd: false,
  currentPeriodEnd: END,
  planVersionId: 'v1',
  ...over,
});

const template: Terms['licenseTemplate'] = { maxActivations: 5, features: { seats: 5 } };
export const WITH: Terms = {
  productId: 'product',
  productName: 'Desktop',
  features: { pro: true },
  licenseTemplate: template,
};
export const WITHOUT: Terms = { ...WITH, licenseTemplate: null };
export const OTHER: Terms = {
  productId: 'other',
  productName: 'Server',
  features: { pro: false, seats: 1 },
  licenseTemplate: template,
};

/** A subscription that goes from one stage to another; by default with a template before and after. */
export const followed = (
  before: Partial<Stage> | null,
  after: Partial<Stage>,
  sold: Partial<Followed['sold']> = {},
): Followed => ({
  subscriptionId: 'subscription',
  customerId: 'customer',
  customerName: 'Acme Corp',
  before: before && stage(before),
  after: stage(after),
  sold: { before: WITH, after: WITH, ...sold },
});
