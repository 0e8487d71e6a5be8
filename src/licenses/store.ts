import type { Instant } from '../platform/calendar.ts';
import { insertRows, updateRows } from '../platform/db/bulk.ts';
import { bool, int, toJson } from '../platform/db/columns.ts';
import { type Db, dialectOf } from '../platform/db/connect.ts';
import { inList } from '../platform/db/in-list.ts';
import type { PageRequest } from '../platform/http/pagination.ts';
import type { Scope } from '../platform/http/principal.ts';
import { checkedFrom } from './checks/check-store.ts';
import type { License, LicenseStatus } from './license.ts';

export interface LicenseFilter {
  status?: LicenseStatus | undefined;
  customerId?: string | undefined;
  productId?: string | undefined;
  subscriptionId?: string | undefined;
  signaturePending?: boolean | undefined;
}

/** Newest first; up to `limit + 1` rows. */
export async function listLicenses(db: Db, scope: Scope, filter: LicenseFilter, page: PageRequest): Promise<License[]> {
  const list = licensesOf(db)
    .orderBy('l.id', 'desc')
    .limit(page.limit + 1);
  if (scope !== null) list.where('l.customer_id', scope);
  if (page.after) list.where('l.id', '<', page.after);
  if (filter.status) list.where('l.status', filter.status);
  if (filter.customerId) list.where('l.customer_id', filter.customerId);
  if (filter.productId) list.where('l.product_id', filter.productId);
  if (filter.subscriptionId) list.where('l.subscription_id', filter.subscriptionId);
  if (filter.signaturePending === true) list.whereNotNull('l.unsigned_since');
  if (filter.signaturePending === false) list.whereNull('l.unsigned_since');
  return (await list).map(toLicense);
}

export async function findLicense(db: Db, scope: Scope, licenseKey: string): Promise<License | undefined> {
  const find = licensesOf(db).where('l.license_key', licenseKey);
  if (scope !== null) find.where('l.customer_id', scope);
  return (await find).map(toLicense)[0];
}

/** Locks the row against every other writer of it, then reads it with its names. */
export async function lockLicense(db: Db, scope: Scope, licenseKey: string): Promise<License | undefined> {
  await db('licenses').where({ license_key: licenseKey }).select('id').forNoKeyUpdate();
  return findLicense(db, scope, licenseKey);
}

/** Locks the row also against new devices. */
export async function lockLicenseForDelete(db: Db, licenseKey: string): Promise<License | undefined> {
  await db('licenses').where({ license_key: licenseKey }).select('id').forUpdate();
  return findLicense(db, null, licenseKey);
}

/** The licences of these subscriptions that are not revoked, locked in the order of their ids (rules X3). */
export async function lockLicensesOf(db: Db, subscriptionIds: readonly string[]): Promise<License[]> {
  const found: License[] = [];
  for (let from = 0; from < subscriptionIds.length; from += 1000) {
    const rows = await licensesOf(db)
      .whereIn('l.subscription_id', inList(subscriptionIds.slice(from, from + 1000)))
      .whereNot('l.status', 'revoked')
      .orderBy('l.id')
      .forNoKeyUpdate('l');
    found.push(...rows.map(toLicense));
  }
  return found;
}

/** Keeps subscriptions from every other change until the commit (rules X3). */
export async function holdSubscriptions(db: Db, ids: string[]): Promise<void> {
  await db('subscriptions').whereIn('id', inList(ids)).orderBy('id').select('id').forNoKeyUpdate();
}

/** The customer of a subscription; the row stays until the commit. */
export async function customerOfSubscription(db: Db, id: string): Promise<string | undefined> {
  const [row]: { customer_id: string }[] = await db('subscriptions').where({ id }).select('customer_id').forKeyShare();
  return row?.customer_id;
}

/**
 * Inserts new licences and answers those that are there now. One whose key is taken gets another from `redraw`; one
 * that cannot be (the imported key is taken, or the subscription has a licence) is left out.
 */
export async function insertLicenses(db: Db, licenses: License[], redraw?: () => string): Promise<License[]> {
  let left = licenses;
  for (let tries = 0; left.length > 0 && tries < 10; tries++) {
    const inserted = await insertRows(db, 'licenses', left.map(toNewRow), { ignoreConflictsOn: 'any' });
    if (inserted === left.length) return licenses;
    const keys = left.map(({ licenseKey }) => licenseKey);
    const rows: { id: string; license_key: string }[] = await db('licenses')
      .whereIn('license_key', inList(keys))
      .select('id', 'license_key');
    const owners = new Map(rows.map((row) => [row.license_key, row.id]));
    const lost = left.filter(({ id, licenseKey }) => owners.get(licenseKey) !== id);
    const taken = redraw ? lost.filter(({ licenseKey }) => owners.has(licenseKey)) : [];
    for (const license of taken) license.licenseKey = redraw!();
    const impossible = new Set(lost.filter((license) => !taken.includes(license)));
    licenses = licenses.filter((license) => !impossible.has(license));
    left = taken;
  }
  return licenses.filter((license) => !left.includes(license));
}

/** Writes everything that can change but the signature and the devices; the mark of rules L15 is written with the rest. */
export async function updateLicenses(db: Db, licenses: License[]): Promise<void> {
  await updateRows(db, 'licenses', 'id', licenses.map(toRow));
}

export async function deleteLicense(db: Db, id: string): Promise<void> {
  await db('licenses').where({ id }).delete();
}

const UNSHELTERED = `(l.subscription_id is null or s.cancel_at_period_end
  or s.status not in ('trialing', 'active', 'past_due'))`;

/** A place in the order of expiry. */
export interface DueLicense {
  id: string;
  expiresAt: Instant;
}

/** Active licences whose date has gone and that no subscription shelters (rules L1, L3), the oldest first. */
export async function listExpired(db: Db, now: Instant, after: DueLicense, limit: number): Promise<DueLicense[]> {
  const rows: { id: string; expires_at: Instant }[] = await db('licenses as l')
    .leftJoin('subscriptions as s', 's.id', 'l.subscription_id')
    .where('l.status', 'active')
    .where('l.expires_at', '<=', now)
    .whereRaw('(l.expires_at, l.id) > (?, ?)', [after.expiresAt, after.id])
    .whereRaw(UNSHELTERED)
    .orderBy(['l.expires_at', 'l.id'])
    .limit(limit)
    .select('l.id', 'l.expires_at');
  return rows.map((row) => ({ id: row.id, expiresAt: row.expires_at }));
}

/** Those of them that still are due and that nobody else holds, locked. */
export async function claimExpired(db: Db, now: Instant, ids: string[]): Promise<License[]> {
  const due = licensesOf(db)
    .whereIn('l.id', inList(ids))
    .where('l.status', 'active')
    .where('l.expires_at', '<=', now)
    .whereRaw(UNSHELTERED)
    .orderBy('l.id')
    .forNoKeyUpdate('l');
  return (await (dialectOf(db) === 'postgres' ? due.skipLocked() : due)).map(toLicense);
}

/** Licences with their names and their subscription's state, as `toLicense` reads them. */
export const licensesOf = (db: Db) =>
  db('licenses as l')
    .join('customers as c', 'c.id', 'l.customer_id')
    .join('products as p', 'p.id', 'l.product_id')
    .leftJoin('subscriptions as s', 's.id', 'l.subscription_id')
    .select(COLUMNS);

/** All but the payload, which may have 24 KiB. */
const COLUMNS = [
  ...['id', 'license_key', 'customer_id', 'product_id', 'subscription_id', 'status', 'status_reason', 'features'],
  ...['max_activations', 'current_activations', 'activated_at', 'expires_at', 'seq', 'kid', 'signed_at'],
  ...['end_given', 'given_until', 'unsigned_since'],
  ...['created_at', 'updated_at'],
]
  .map((column) => `l.${column}`)
  .concat(
    'c.name as customer_name',
    'p.name as product_name',
    's.status as subscription_status',
    's.cancel_at_period_end',
  );

// biome-ignore lint/suspicious/noExplicitAny: a joined row as either driver answers it; the mappers give it its type
type Row = any;

export const toLicense = (row: Row): License => ({
  ...checkedFrom(row),
  customerName: row.customer_name,
  productName: row.product_name,
  subscriptionId: row.subscription_id,
  statusReason: row.status_reason,
  activatedAt: row.activated_at,
  seq: int(row.seq),
  kid: row.kid,
  signedAt: row.signed_at,
  given: bool(row.end_given) ? { until: row.given_until } : null,
  unsignedSince: row.unsigned_since,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const toRow = (license: License) => ({
  id: license.id,
  product_id: license.productId,
  status: license.status,
  status_reason: license.statusReason,
  features: toJson(license.features),
  max_activations: license.maxActivations,
  expires_at: license.expiresAt,
  end_given: license.given !== null,
  given_until: license.given?.until ?? null,
  unsigned_since: license.unsignedSince,
  updated_at: license.updatedAt,
});

const toNewRow = (license: License) => ({
  ...toRow(license),
  license_key: license.licenseKey,
  customer_id: license.customerId,
  subscription_id: license.subscriptionId,
  current_activations: 0,
  seq: 0,
  created_at: license.createdAt,
});
