import type { PlanVersion } from '../../billing/plans/plan.ts';
import { addDays, type Instant } from '../../platform/calendar.ts';
import type { License, LicenseStatus, SuspendReason } from '../license.ts';

/** What a licence follows of its subscription. */
export interface Stage {
  status: string;
  pauseReason: 'requested' | 'dunning' | null;
  cancelReason: string | null;
  canceledAt: Instant | null;
  cancelAtPeriodEnd: boolean;
  currentPeriodEnd: Instant;
  planVersionId: string;
}

/** What a plan version means for a licence. */
export type Terms = Pick<PlanVersion, 'productId' | 'productName' | 'features' | 'licenseTemplate'>;

/** A subscription before and after a change; `before` is null when it has just started. */
export interface Followed {
  subscriptionId: string;
  customerId: string;
  customerName: string;
  before: Stage | null;
  after: Stage;
  /** The plan versions sold before and after. */
  sold: { before: Terms; after: Terms };
}

const planChanged = ({ before, after }: Followed): boolean =>
  before !== null && before.planVersionId !== after.planVersionId;

/** Whether the change concerns a licence, be it there or not (rules L8). */
export function concernsLicense(followed: Followed): boolean {
  const { before, after, sold } = followed;
  if (before === null) return sold.after.licenseTemplate !== null;
  return before.status !== after.status || before.currentPeriodEnd !== after.currentPeriodEnd || planChanged(followed);
}

/** Whether a licence is to be made: the subscription starts, or comes to a plan with licences from one without. */
export const startsLicense = (followed: Followed): boolean =>
  followed.sold.after.licenseTemplate !== null &&
  followed.after.status !== 'canceled' &&
  (followed.before === null || (planChanged(followed) && followed.sold.before.licenseTemplate === null));

/** What the plan grants: its features overlaid by those of the template. */
export const termsOf = ({ sold: { after } }: Followed): Pick<License, 'features' | 'maxActivations'> => ({
  features: { ...after.features, ...after.licenseTemplate?.features },
  maxActivations: after.licenseTemplate?.maxActivations ?? null,
});

/** Until when the present period carries a licence. */
export const carriedUntil = (stage: Stage, graceDays: number): Instant => addDays(stage.currentPeriodEnd, graceDays);

/** The licence, which is not revoked, after the change of its subscription (the table of rules L8). */
export function followedLicense(license: License, followed: Followed, graceDays: number, now: Instant): License {
  const { before, after } = followed;
  const next: License = {
    ...license,
    subscription: { status: after.status, cancelAtPeriodEnd: after.cancelAtPeriodEnd },
  };
  if (before === null) return next;
  if (after.status === 'canceled') return before.status === 'canceled' ? next : ended(next, after, graceDays, now);
  if (planChanged(followed)) {
    changePlan(next, followed, graceDays, now);
    if (endsWithPlan(followed)) return next;
  }
  if (after.status === 'paused') {
    if (before.status !== 'paused' && next.status === 'active') suspend(next, after);
    return next;
  }
  const resumed = before.status === 'paused';
  if (resumed || before.currentPeriodEnd !== after.currentPeriodEnd) carryOn(next, followed, graceDays, now);
  if (resumed && next.status === 'suspended' && next.statusReason !== 'requested') setStatus(next, 'active');
  return next;
}

function setStatus(license: License, status: LicenseStatus, reason: SuspendReason | null = null): void {
  license.status = status;
  license.statusReason = reason;
}

const suspend = (license: License, { pauseReason }: Stage): void =>
  setStatus(license, 'suspended', pauseReason === 'dunning' ? 'dunning' : 'subscription_paused');

/** At the end of a period it lasts for the days of grace; canceled now it ends with the subscription. */
function ended(license: License, { cancelReason, canceledAt }: Stage, graceDays: number, now: Instant): License {
  if (license.status === 'expired') return license;
  if (cancelReason !== 'period_end') return endedAt(license, canceledAt!, now);
  return { ...license, expiresAt: notBeforeGiven(license, addDays(canceledAt!, graceDays)) };
}

/** A suspended licence stays suspended, an expired one what it is, and one with a later given end goes on until then. */
function endedAt(license: License, at: Instant, now: Instant): License {
  if (license.status === 'expired') return license;
  const next = { ...license, expiresAt: notBeforeGiven(license, at) };
  return { ...next, status: license.status === 'active' && isGone(next, now) ? 'expired' : license.status };
}

/** The end that the subscription says, or the one that a person gave when that is later; null is never (rules L8). */
function notBeforeGiven({ given }: License, at: Instant): Instant | null {
  if (given === null) return at;
  return given.until === null || given.until > at ? given.until : at;
}

/** A change to a plan without licences ends one that the plan before had brought: now, or at the boundary it is due at. */
const endsWithPlan = ({ sold }: Followed): boolean =>
  sold.before.licenseTemplate !== null && sold.after.licenseTemplate === null;

const earlier = (a: Instant, b: Instant): Instant => (a < b ? a : b);

function changePlan(license: License, followed: Followed, graceDays: number, now: Instant): void {
  const { sold, before, after } = followed;
  if (sold.after.licenseTemplate === null) {
    if (endsWithPlan(followed)) Object.assign(license, endedAt(license, earlier(now, before!.currentPeriodEnd), now));
    return;
  }
  Object.assign(license, termsOf(followed), { productId: sold.after.productId, productName: sold.after.productName });
  if (license.status === 'expired' || (sold.before.licenseTemplate === null && isGone(license, now)))
    reach(license, carriedUntil(after, graceDays), now);
}

/** A new period moves the date of a licence that followed the old one; without a template a given end is kept. */
function carryOn(license: License, { before, after, sold }: Followed, graceDays: number, now: Instant): void {
  const { expiresAt, given } = license;
  const carried = expiresAt !== null && expiresAt >= before!.currentPeriodEnd && expiresAt !== given?.until;
  if (sold.after.licenseTemplate !== null || carried) reach(license, carriedUntil(after, graceDays), now);
}

/** An expired licence is active again when its date moves past now. */
function reach(license: License, at: Instant, now: Instant): void {
  license.expiresAt = notBeforeGiven(license, at);
  if (license.status === 'expired' && !isGone(license, now)) setStatus(license, 'active');
}

const isGone = ({ expiresAt }: Pick<License, 'expiresAt'>, now: Instant): boolean =>
  expiresAt !== null && expiresAt <= now;
