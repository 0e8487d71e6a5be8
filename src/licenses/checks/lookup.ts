import type { Db } from '../../platform/db/connect.ts';
import { refuse } from '../../platform/errors.ts';
import type { Scope } from '../../platform/http/principal.ts';
import { type License, normalKey } from '../license.ts';
import { findLicense } from '../store.ts';

/** 404: the same answer for a key that does not exist and one of another customer. */
export const unknownLicense = () => refuse('license_not_found', 'No such licence.');

/** Throws AppError `license_not_found`. */
export async function requireLicense(db: Db, scope: Scope, key: string): Promise<License> {
  const license = await findLicense(db, scope, normalKey(key));
  if (!license) throw unknownLicense();
  return license;
}
