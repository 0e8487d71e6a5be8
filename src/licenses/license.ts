import type { Features } from '../billing/plans/plan.ts';
import type { Instant } from '../platform/calendar.ts';
import { refuse } from '../platform/errors.ts';

export type LicenseStatus = 'active' | 'expired' | 'suspended' | 'revoked';
export type SuspendReason = 'requested' | 'subscription_paused' | 'dunning';
export type LicenseError =
  | 'license_revoked'
  | 'license_suspended'
  | 'license_expired'
  | 'license_product_mismatch'
  | 'activation_limit_reached'
  | 'license_signature_invalid';

/** What rules L3 asks of the subscription of a licence. */
export interface Shelter {
  status: string;
  cancelAtPeriodEnd: boolean;
}

/** What a check must know of a licence. */
export interface CheckedLicense {
  id: string;
  licenseKey: string;
  customerId: string;
  productId: string;
  status: LicenseStatus;
  features: Features;
  maxActivations: number | null;
  currentActivations: number;
  expiresAt: Instant | null;
  subscription: Shelter | null;
}

export interface License extends CheckedLicense {
  customerName: string;
  productName: string;
  subscriptionId: string | null;
  /** Why it is suspended; null otherwise. */
  statusReason: SuspendReason | null;
  /** When its first device was registered; stays when the devices go. */
  activatedAt: Instant | null;
  /** How often it was signed (rules L10). */
  seq: number;
  kid: string | null;
  signedAt: Instant | null;
  /** The end that a person gave, null for never; null when the subscription alone says it (rules L8). */
  given: { until: Instant | null } | null;
  /** Since when it waits to be signed again; null when its signature is up to date (rules L15). */
  unsignedSince: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface LicenseChange {
  status?: 'active' | 'suspended' | 'revoked' | undefined;
  maxActivations?: number | null | undefined;
  features?: Features | undefined;
  expiresAt?: Instant | null | undefined;
}

const KEY = /^[A-Z0-9][A-Z0-9-]{2,62}[A-Z0-9]$/;
const PATHS = ['KEYPAIR', 'VERIFY', 'VALIDATE'];

/** As keys are stored and looked up (rules L2). Only ASCII letters are raised: no other letter becomes one of a key. */
export const normalKey = (text: string): string => text.trim().replace(/[a-z]/g, (letter) => letter.toUpperCase());

/** Whether a normal key may name a licence: the pattern, and none of the words that stand in the same place of a path. */
export const isLicenseKey = (key: string): boolean => KEY.test(key) && !PATHS.includes(key);

/** A late billing run of ours locks nobody out (rules L3). */
export const isSheltered = ({ subscription }: Pick<CheckedLicense, 'subscription'>): boolean =>
  subscription !== null &&
  ['trialing', 'active', 'past_due'].includes(subscription.status) &&
  !subscription.cancelAtPeriodEnd;

const dateIsGone = ({ expiresAt }: Pick<CheckedLicense, 'expiresAt'>, now: Instant): boolean =>
  expiresAt !== null && expiresAt <= now;

/** The status at this instant: expired by its date before the job has stored it (rules L7). */
export const effectiveStatus = (license: CheckedLicense, now: Instant): LicenseStatus =>
  license.status === 'active' && dateIsGone(license, now) && !isSheltered(license) ? 'expired' : license.status;

/** Steps 2 to 4 of rules L5; undefined when nothing speaks against the licence. */
export function refusalOf(
  license: CheckedLicense,
  productId: string | undefined,
  now: Instant,
): LicenseError | undefined {
  const status = effectiveStatus(license, now);
  if (status !== 'active') return `license_${status}`;
  return productId !== undefined && productId !== license.productId ? 'license_product_mismatch' : undefined;
}

/** Step 5 of rules L5, for a device that is not registered. */
export const isFull = ({ maxActivations, currentActivations }: CheckedLicense): boolean =>
  maxActivations !== null && currentActivations >= maxActivations;

/** Throws AppError `license_revoked`, `license_suspended` or `license_expired` (rules L10). */
export function refuseUnlessActive(license: CheckedLicense, now: Instant): void {
  const status = effectiveStatus(license, now);
  if (status !== 'active') throw refuse(`license_${status}`, `The licence is ${status}.`);
}

/**
 * The licence as it would be after an update (rules L1): members first, then the status that follows or was asked for.
 * Throws AppError `license_revoked`, `license_expired`.
 */
export function changedLicense(before: License, change: LicenseChange, now: Instant): License {
  if (before.status === 'revoked') throw refuse('license_revoked', 'The licence is revoked for good.');
  const after: License = {
    ...before,
    status: effectiveStatus(before, now),
    features: change.features ?? before.features,
    maxActivations: change.maxActivations === undefined ? before.maxActivations : change.maxActivations,
    ...givenEnd(before, change.expiresAt),
  };
  if (change.status === 'revoked') return { ...after, status: 'revoked', statusReason: null };
  const gone = dateIsGone(after, now);
  if (after.status === 'expired') return gone ? stayExpired(after, change) : standing(after, change.status ?? 'active');
  if (change.status === 'active' && after.status === 'suspended') {
    if (gone && !isSheltered(after)) refuseExpired();
    return standing(after, 'active');
  }
  if (change.status === 'suspended' && after.status === 'active') return standing(after, 'suspended');
  return { ...after, status: effectiveStatus(after, now) };
}

/** Another end than the present one is given by a person; the same again gives nothing (rules L8). */
function givenEnd(before: License, expiresAt: Instant | null | undefined): Pick<License, 'expiresAt' | 'given'> {
  if (expiresAt === undefined || expiresAt === before.expiresAt)
    return { expiresAt: before.expiresAt, given: before.given };
  return { expiresAt, given: { until: expiresAt } };
}

function stayExpired(after: License, { status }: LicenseChange): License {
  if (status !== undefined) refuseExpired();
  return after;
}

function refuseExpired(): never {
  throw refuse('license_expired', 'The licence has expired. Send an expiresAt in the future as well.');
}

const standing = (license: License, status: 'active' | 'suspended'): License => ({
  ...license,
  status,
  statusReason: status === 'suspended' ? 'requested' : null,
});

/** Whether the licence was ever used: such a one is revoked, not deleted. */
export const wasUsed = ({ seq, activatedAt }: License): boolean => seq > 0 || activatedAt !== null;

/** Whether what a signature states of the licence has changed (rules L10). */
export function signedMembersDiffer(a: License, b: License): boolean {
  const stated = ({ productId, features, maxActivations, expiresAt }: License) =>
    JSON.stringify([productId, Object.entries(features).sort(), maxActivations, expiresAt]);
  return stated(a) !== stated(b);
}
