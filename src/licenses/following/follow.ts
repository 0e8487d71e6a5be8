import { aside, findPutOff, forgetPutOff, type PutOff, type RedoOutcome, redo } from '../../platform/put-off.ts';
import type { Runtime, Work } from '../../platform/work.ts';
import type { BillingSettings } from '../../settings/billing-settings.ts';
import { loadBillingSettings } from '../../settings/store.ts';
import { createdEvent } from '../events.ts';
import { type License, signedMembersDiffer } from '../license.ts';
import { drawLicenseKey } from '../license-key.ts';
import { type Changed, saveLicenses } from '../signing/sign.ts';
import { holdSubscriptions, insertLicenses, lockLicensesOf } from '../store.ts';
import {
  carriedUntil,
  concernsLicense,
  type Followed,
  followedLicense,
  type Stage,
  startsLicense,
  type Terms,
  termsOf,
} from './follow-rules.ts';

type Settings = Pick<BillingSettings, 'licenseGraceDays' | 'licenseKeyPrefix'>;

const KIND = 'license_follow';
const idOf = ({ subscriptionId }: Followed): string => subscriptionId;

/**
 * Lets licences follow their subscriptions, whose rows are locked and changed by this work (rules L8): one is made when a
 * subscription starts, and what its status, period or plan mean for it is done. A constant number of statements whatever
 * their number, none when nothing concerns a licence. Emits `license.*`. When it fails it is put off, and the change of the
 * subscriptions goes on (rules X8); what was put off before is done with the next change.
 */
export async function followSubscriptions(work: Work, settings: Settings, all: Followed[]): Promise<void> {
  const concerned = all.filter(concernsLicense);
  if (concerned.length === 0) return;
  const behind = await findPutOff<Followed>(work.db, KIND, concerned.map(idOf));
  const followed = concerned.map((one) => caughtUp(behind.get(one.subscriptionId), one));
  await aside(
    work,
    async () => {
      await follow(work, settings, followed);
      await forgetPutOff(work.db, KIND, [...behind.keys()]);
    },
    () => followed.map((one): PutOff => ({ kind: KIND, subject: one.subscriptionId, data: asStored(one) })),
  );
}

/** Two changes as one: from before the older to after the newer. */
const caughtUp = (older: Followed | undefined, newer: Followed): Followed =>
  older ? { ...newer, before: older.before, sold: { before: older.sold.before, after: newer.sold.after } } : newer;

/** Makes the followings that were put off, when they are due (rules X8). */
export const followLate = (runtime: Runtime, stopping?: () => boolean): Promise<RedoOutcome> =>
  redo<Followed>(
    runtime,
    {
      kind: KIND,
      hold: holdSubscriptions,
      make: async (work, items) =>
        follow(
          work,
          await loadBillingSettings(work.db, runtime.config),
          items.map(({ data }) => data),
        ),
    },
    stopping,
  );

/** Only what is followed: a subscription and a plan version have more, which need not survive as JSON. */
function asStored({ before, after, sold, ...rest }: Followed): Followed {
  const stage = (of: Stage): Stage => ({
    status: of.status,
    pauseReason: of.pauseReason,
    cancelReason: of.cancelReason,
    canceledAt: of.canceledAt,
    cancelAtPeriodEnd: of.cancelAtPeriodEnd,
    currentPeriodEnd: of.currentPeriodEnd,
    planVersionId: of.planVersionId,
  });
  const terms = ({ productId, productName, features, licenseTemplate }: Terms): Terms => ({
    productId,
    productName,
    features,
    licenseTemplate,
  });
  return {
    ...rest,
    before: before && stage(before),
    after: stage(after),
    sold: { before: terms(sold.before), after: terms(sold.after) },
  };
}

async function follow(work: Work, settings: Settings, followed: Followed[]): Promise<void> {
  const there = followed.filter(({ before }) => before !== null).map(idOf);
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
  given: null,
  unsignedSince: null,
  createdAt: work.now,
  updatedAt: work.now,
});

/** What changed stands in the audit row of the subscription (rules H8). */
const audit = (work: Work, { id }: License): void =>
  work.audit({ entityType: 'license', entityId: id, reason: 'followed its subscription' });
