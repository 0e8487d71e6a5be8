import type { Work } from '../platform/work.ts';
import type { BillingSettings } from '../settings/billing-settings.ts';
import { createdEvent } from './events.ts';
import {
  carriedUntil,
  concernsLicense,
  type Followed,
  followedLicense,
  startsLicense,
  termsOf,
} from './follow-rules.ts';
import { type License, signedMembersDiffer } from './license.ts';
import { drawLicenseKey } from './license-key.ts';
import { type Changed, saveLicenses } from './sign.ts';
import { insertLicenses, lockLicensesOf } from './store.ts';

type Settings = Pick<BillingSettings, 'licenseGraceDays' | 'licenseKeyPrefix'>;

/**
 * Lets licences follow their subscriptions, whose rows are locked and changed by this work (rules L8): one is made when a
 * subscription starts, and what its status, period or plan mean for it is done. A constant number of statements whatever
 * their number, none when nothing concerns a licence. Emits `license.*`.
 */
export async function followSubscriptions(work: Work, settings: Settings, all: Followed[]): Promise<void> {
  const followed = all.filter(concernsLicense);
  if (followed.length === 0) return;
  const there = followed.filter(({ before }) => before !== null).map(({ subscriptionId }) => subscriptionId);
  const licenses = new Map((await lockLicensesOf(work.db, there)).map((license) => [license.subscriptionId, license]));
  const changed: Changed[] = [];
  const starting: Followed[] = [];
  for (const one of followed) {
    const before = licenses.get(one.subscriptionId);
    if (before) {
      const after = followedLicense(before, one, settings.licenseGraceDays, work.now);
      if (differ(before, after)) changed.push({ before, after });
    } else if (startsLicense(one)) starting.push(one);
  }
  if (changed.length > 0) await saveLicenses(work, changed);
  for (const { after } of changed) audit(work, after);
  await startLicenses(work, settings, starting);
}

const differ = (a: License, b: License): boolean =>
  a.status !== b.status || a.statusReason !== b.statusReason || signedMembersDiffer(a, b);

async function startLicenses(work: Work, settings: Settings, starting: Followed[]): Promise<void> {
  if (starting.length === 0) return;
  const draw = () => drawLicenseKey(settings.licenseKeyPrefix);
  const licenses = starting.map((one) => newLicense(work, one, draw(), settings));
  const made = await insertLicenses(work.db, licenses, draw);
  for (const license of made) {
    work.emit(createdEvent(license));
    audit(work, license);
  }
}

const newLicense = (work: Work, of: Followed, licenseKey: string, { licenseGraceDays }: Settings): License => ({
  id: work.newId(),
  licenseKey,
  customerId: of.customerId,
  customerName: of.customerName,
  productId: of.sold.after.productId,
  productName: of.sold.after.productName,
  subscriptionId: of.subscriptionId,
  subscription: { status: of.after.status, cancelAtPeriodEnd: of.after.cancelAtPeriodEnd },
  status: 'active',
  statusReason: null,
  ...termsOf(of),
  currentActivations: 0,
  activatedAt: null,
  expiresAt: carriedUntil(of.after, licenseGraceDays),
  seq: 0,
  kid: null,
  signedAt: null,
  createdAt: work.now,
  updatedAt: work.now,
});

/** What changed stands in the audit row of the subscription (rules H8). */
const audit = (work: Work, { id }: License): void =>
  work.audit({ entityType: 'license', entityId: id, reason: 'followed its subscription' });
