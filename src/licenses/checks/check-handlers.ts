import type { LicenseVerification } from '../../../generated/types.gen.ts';
import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { invalid } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import type { Scope } from '../../platform/http/principal.ts';
import { activatedEvent } from '../events.ts';
import { type CheckedLicense, effectiveStatus, isFull, type LicenseError, normalKey, refusalOf } from '../license.ts';
import { findPublicKey } from '../signing/key-store.ts';
import { decodeFile, readClaims } from '../signing/license-file.ts';
import { isSignedBy } from '../signing/signing-key.ts';
import { insertActivation, type SeenDevice, touchActivation } from './activation-store.ts';
import { findChecked, lockChecked } from './check-store.ts';
import { unknownLicense } from './lookup.ts';

type Tag = Handlers<'licenses'>;

/** The public asks about any licence whose key it knows; an API key of a customer only about its own. */
const scopeOf = ({ principal, scope }: Context): Scope => (principal.kind === 'anonymous' ? null : scope);

/** Writes nothing (rules L6): a read handle is enough, and nobody waits for a writer. */
export const verifyLicense: Tag['verifyLicense'] = async ({ body }, context) => {
  const { licenseKey, file, productId } = body;
  if (file === undefined && licenseKey !== undefined) return verified(context, context.db, licenseKey, productId);
  if (file === undefined || licenseKey !== undefined) throw invalid({ licenseKey: 'send either this or a file' });
  return context.snapshot(async (db) => {
    const named = await keyOfFile(db, file);
    return named === undefined ? unsigned(context.now) : verified(context, db, named, productId);
  });
};

/** One statement: it is what the public asks most. */
async function verified(context: Context, db: Db, licenseKey: string, productId: string | undefined) {
  const license = await findChecked(db, scopeOf(context), normalKey(licenseKey));
  if (!license) throw unknownLicense();
  return answer(context, license, refusalOf(license, productId, context.now));
}

const unsigned = (checkedAt: Instant): LicenseVerification => ({
  valid: false,
  status: null,
  features: {},
  expiresAt: null,
  error: 'license_signature_invalid',
  checkedAt,
});

/** The licence key that a genuine file names; undefined when no key of ours signed it (rules L14). */
async function keyOfFile(db: Db, file: string): Promise<string | undefined> {
  const { payload, signature } = decodeFile(file);
  const { kid, licenseKey } = readClaims(payload);
  const publicKey = await findPublicKey(db, kid);
  return publicKey !== undefined && isSignedBy(publicKey, payload, signature) ? licenseKey : undefined;
}

/**
 * As verify, then the device (rules L5, L6). A known one is refreshed by one statement of its own; only a new one takes a
 * transaction and the lock of the licence, under which everything is looked at again.
 */
export const validateLicense: Tag['validateLicense'] = async ({ body }, context) => {
  const scope = scopeOf(context);
  const licenseKey = normalKey(body.licenseKey);
  const license = await findChecked(context.db, scope, licenseKey);
  if (!license) throw unknownLicense();
  const refusal = refusalOf(license, body.productId, context.now);
  if (refusal) return { ...answer(context, license, refusal), ...seats(license) };
  const device: SeenDevice = { deviceId: body.deviceId, deviceName: body.deviceName, ip: context.ip };
  if (await touchActivation(context.runtime.database.write, license.id, device, context.now))
    return { ...answer(context, license, undefined), ...seats(license) };
  return context.transaction((work) => register(work, scope, licenseKey, device, body.productId));
};

async function register(
  work: Context,
  scope: Scope,
  licenseKey: string,
  device: SeenDevice,
  productId: string | undefined,
): Promise<LicenseVerification> {
  const { db, now } = work;
  const license = await lockChecked(db, scope, licenseKey);
  if (!license) throw unknownLicense();
  const told = (refusal?: LicenseError) => ({ ...answer(work, license, refusal), ...seats(license) });
  const refusal = refusalOf(license, productId, now);
  if (refusal) return told(refusal);
  if (await touchActivation(db, license.id, device, now)) return told();
  if (isFull(license)) return told('activation_limit_reached');
  const deviceName = device.deviceName ?? null;
  const row = { id: work.newId(), licenseId: license.id, ...device, deviceName, activatedAt: now, lastSeenAt: now };
  if (!(await insertActivation(db, row))) return told('activation_limit_reached');
  license.currentActivations += 1;
  work.emit(activatedEvent(license, { deviceId: device.deviceId, deviceName }));
  work.audit({
    entityType: 'license',
    entityId: license.id,
    changes: { deviceId: [null, device.deviceId] },
    reason: 'device registered',
  });
  return told();
}

/** The decision and what the licence grants; nothing about whose it is (rules L7). */
const answer = ({ now }: Context, license: CheckedLicense, refusal: LicenseError | undefined): LicenseVerification => ({
  valid: refusal === undefined,
  status: effectiveStatus(license, now),
  features: license.features,
  expiresAt: license.expiresAt,
  ...(refusal === undefined ? {} : { error: refusal }),
  checkedAt: now,
});

const seats = ({ maxActivations, currentActivations }: CheckedLicense) => ({ maxActivations, currentActivations });
