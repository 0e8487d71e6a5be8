import type { License as Shown } from '../../generated/types.gen.ts';
import type { Features } from '../billing/plans/plan.ts';
import { requireCustomer } from '../customers/store.ts';
import { type Instant, parseInstant } from '../platform/calendar.ts';
import { changesOf } from '../platform/changes.ts';
import { type Fields, notFound, refuse } from '../platform/errors.ts';
import { readMember, refuseFields } from '../platform/fields.ts';
import type { Context, Handlers } from '../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../platform/http/pagination.ts';
import { holdProduct } from '../products/store.ts';
import { loadBillingSettings } from '../settings/store.ts';
import { deleteLicenseActivation, listLicenseActivations } from './checks/activation-handlers.ts';
import { validateLicense, verifyLicense } from './checks/check-handlers.ts';
import { requireLicense, unknownLicense } from './checks/lookup.ts';
import { createdEvent } from './events.ts';
import { changedLicense, isLicenseKey, type License, type LicenseChange, normalKey, wasUsed } from './license.ts';
import { drawLicenseKey } from './license-key.ts';
import {
  exportLicense,
  getJwks,
  getLicenseKeypair,
  rotateLicenseKeypair,
  signLicense,
} from './signing/key-handlers.ts';
import { saveLicenses } from './signing/sign.ts';
import * as store from './store.ts';

type Tag = Handlers<'licenses'>;

const listLicenses: Tag['listLicenses'] = async ({ query }, { db, scope }) => {
  const read = (step: PageRequest) => store.listLicenses(db, scope, query, step);
  return paged(await readPage('licenses', query, { keyOf: ({ id }) => id, read }), present);
};

const getLicense: Tag['getLicense'] = async ({ path }, { db, scope }) =>
  present(await requireLicense(db, scope, path.key));

const createLicense: Tag['createLicense'] = async ({ body }, context) => {
  const { db, now, newId, runtime } = context;
  const members = readMembers(body, now);
  await requireCustomer(db, body.customerId);
  if (!(await holdProduct(db, body.productId))) throw notFound('product');
  const subscriptionId = body.subscriptionId ?? null;
  if (subscriptionId !== null && (await store.customerOfSubscription(db, subscriptionId)) !== body.customerId)
    throw notFound('subscription');
  const { licenseKeyPrefix } = await loadBillingSettings(db, runtime.config);
  const draw = () => drawLicenseKey(licenseKeyPrefix);
  const imported = body.licenseKey === undefined ? undefined : readKey(body.licenseKey);
  const fresh: License = {
    id: newId(),
    licenseKey: imported ?? draw(),
    customerId: body.customerId,
    customerName: '',
    productId: body.productId,
    productName: '',
    subscriptionId,
    subscription: null,
    status: 'active',
    statusReason: null,
    features: members.features ?? {},
    maxActivations: members.maxActivations ?? null,
    currentActivations: 0,
    activatedAt: null,
    expiresAt: members.expiresAt ?? null,
    seq: 0,
    kid: null,
    signedAt: null,
    given: { until: members.expiresAt ?? null },
    unsignedSince: null,
    createdAt: now,
    updatedAt: now,
  };
  const [license] = await store.insertLicenses(db, [fresh], imported === undefined ? draw : undefined);
  if (!license) throw await whyTaken(context, fresh);
  context.emit(createdEvent(license));
  const shown = present((await store.findLicense(db, null, license.licenseKey))!);
  context.audit({ entityType: 'license', entityId: license.id, changes: changesOf<object>({}, shown) });
  return shown;
};

/** Throws AppError `validation_error` on `licenseKey`. */
function readKey(text: string): string {
  const key = normalKey(text);
  const fields: Fields = isLicenseKey(key) ? {} : { licenseKey: 'cannot be the key of a licence' };
  refuseFields(fields);
  return key;
}

async function whyTaken({ db }: Context, { licenseKey, subscriptionId }: License) {
  return (await store.findLicense(db, null, licenseKey))
    ? refuse('already_exists', 'A licence with this key exists.', { licenseKey: 'is taken' })
    : refuse('already_exists', 'The subscription has a licence.', { subscriptionId: `${subscriptionId} has one` });
}

const updateLicense: Tag['updateLicense'] = async ({ path, body }, context) => {
  const before = await store.lockLicense(context.db, context.scope, normalKey(path.key));
  if (!before) throw unknownLicense();
  const after = changedLicense(before, { ...readMembers(body), status: body.status }, context.now);
  return present(await writeChange(context, before, after));
};

async function writeChange(context: Context, before: License, after: License): Promise<License> {
  const changes = changesOf(before, after);
  if (Object.keys(changes).length === 0) return before;
  const [saved] = await saveLicenses(context, [{ before, after }]);
  context.audit({ entityType: 'license', entityId: before.id, changes: changesOf(before, saved!) });
  return saved!;
}

const deleteLicense: Tag['deleteLicense'] = async ({ path }, context) => {
  const license = await store.lockLicenseForDelete(context.db, normalKey(path.key));
  if (!license) throw unknownLicense();
  if (license.status === 'revoked') return;
  if (wasUsed(license)) {
    await writeChange(context, license, changedLicense(license, { status: 'revoked' }, context.now));
    return;
  }
  await store.deleteLicense(context.db, license.id);
  context.audit({ entityType: 'license', entityId: license.id });
};

const MAX_FEATURES_BYTES = 16_384;

interface Members {
  features?: Features | undefined;
  maxActivations?: number | null | undefined;
  expiresAt?: string | null | undefined;
}

/** Throws AppError `validation_error` for what the schemas cannot say; `mustBeAfter` is given for a new licence. */
function readMembers({ features, maxActivations, expiresAt }: Members, mustBeAfter?: Instant): LicenseChange {
  const fields: Fields = {};
  if (features && Buffer.byteLength(JSON.stringify(features)) > MAX_FEATURES_BYTES)
    fields.features = `must have at most ${MAX_FEATURES_BYTES} bytes as JSON`;
  const at = expiresAt
    ? readMember(fields, 'expiresAt', () => parseInstant(expiresAt))
    : (expiresAt as null | undefined);
  if (at && mustBeAfter !== undefined && at <= mustBeAfter) fields.expiresAt = 'must be in the future';
  refuseFields(fields);
  return { features, maxActivations, expiresAt: at };
}

export const licenses: Tag = {
  listLicenses,
  createLicense,
  getLicense,
  updateLicense,
  deleteLicense,
  signLicense,
  exportLicense,
  listLicenseActivations,
  deleteLicenseActivation,
  getLicenseKeypair,
  rotateLicenseKeypair,
  getJwks,
  verifyLicense,
  validateLicense,
  v1ListLicenses: listLicenses,
  v1CreateLicense: createLicense,
  v1GetLicense: getLicense,
  v1UpdateLicense: updateLicense,
  v1DeleteLicense: deleteLicense,
  v1SignLicense: signLicense,
  v1ExportLicense: exportLicense,
  v1ListLicenseActivations: listLicenseActivations,
  v1DeleteLicenseActivation: deleteLicenseActivation,
  v1GetLicenseKeypair: getLicenseKeypair,
  v1RotateLicenseKeypair: rotateLicenseKeypair,
  v1VerifyLicense: verifyLicense,
  v1ValidateLicense: validateLicense,
};

const present = (license: License): Shown => ({
  id: license.id,
  licenseKey: license.licenseKey,
  customerId: license.customerId,
  customerName: license.customerName,
  productId: license.productId,
  productName: license.productName,
  subscriptionId: license.subscriptionId,
  status: license.status,
  maxActivations: license.maxActivations,
  currentActivations: license.currentActivations,
  features: license.features,
  expiresAt: license.expiresAt,
  signedAt: license.signedAt,
  signingKeyId: license.kid,
  signaturePending: license.unsignedSince !== null,
  createdAt: license.createdAt,
  updatedAt: license.updatedAt,
});
