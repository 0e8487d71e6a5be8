import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { execute } from '../../platform/db/sql.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';

/** A device of a licence. */
export interface Activation {
  id: string;
  licenseId: string;
  deviceId: string;
  deviceName: string | null;
  ip: string | null;
  activatedAt: Instant;
  lastSeenAt: Instant;
}

interface Row {
  id: string;
  license_id: string;
  device_id: string;
  device_name: string | null;
  ip: string | null;
  activated_at: Instant;
  last_seen_at: Instant;
}

/** Newest first; up to `limit + 1` rows. */
export async function listActivations(db: Db, licenseId: string, page: PageRequest): Promise<Activation[]> {
  const list = db('license_activations')
    .where({ license_id: licenseId })
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (page.after) list.where('id', '<', page.after);
  return (await list).map((row: Row) => ({
    id: row.id,
    licenseId: row.license_id,
    deviceId: row.device_id,
    deviceName: row.device_name,
    ip: row.ip,
    activatedAt: row.activated_at,
    lastSeenAt: row.last_seen_at,
  }));
}

/** A device as it shows itself in a check. */
export interface SeenDevice {
  deviceId: string;
  /** Kept when it is not sent. */
  deviceName: string | undefined;
  ip: string | null;
}

const TOUCH = `update license_activations set device_name = coalesce(?, device_name), ip = ?,
  last_seen_at = case when last_seen_at > ? then last_seen_at else ? end where license_id = ? and device_id = ?`;

/** One statement, without a lock on the licence; false when the device is not registered (rules L6). */
export async function touchActivation(db: Db, licenseId: string, device: SeenDevice, now: Instant): Promise<boolean> {
  const values = [device.deviceName ?? null, device.ip, now, now, licenseId, device.deviceId];
  return (await execute(db, TOUCH, values)) > 0;
}

/**
 * Takes one place and registers the device; false when none is left (rules L5, L6). The licence must be locked; the
 * statement counts again by itself, so that a limit is never exceeded.
 */
export async function insertActivation(db: Db, activation: Activation): Promise<boolean> {
  const at = activation.activatedAt;
  const taken = await execute(
    db,
    `update licenses set current_activations = current_activations + 1, activated_at = coalesce(activated_at, ?)
     where id = ? and (max_activations is null or current_activations < max_activations)`,
    [at, activation.licenseId],
  );
  if (taken === 0) return false;
  await execute(
    db,
    `insert into license_activations (id, license_id, device_id, device_name, ip, activated_at, last_seen_at)
     values (?, ?, ?, ?, ?, ?, ?)`,
    [activation.id, activation.licenseId, activation.deviceId, activation.deviceName, activation.ip, at, at],
  );
  return true;
}

/** Frees the place of a device at once; false when it is not registered. The licence must be locked. */
export async function deleteActivation(db: Db, licenseId: string, deviceId: string): Promise<boolean> {
  const removed = await db('license_activations').where({ license_id: licenseId, device_id: deviceId }).delete();
  if (removed === 0) return false;
  await db('licenses')
    .where({ id: licenseId })
    .update({ current_activations: db.raw('current_activations - 1') });
  return true;
}
