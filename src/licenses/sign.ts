import { conflict } from '../platform/errors.ts';
import type { Work } from '../platform/work.ts';
import { statusEvents } from './events.ts';
import { findActiveKey } from './key-store.ts';
import { type License, signedMembersDiffer } from './license.ts';
import { composePayload } from './payload.ts';
import { type Signed, updateSignatures } from './signature-store.ts';
import { openSigner } from './signing-key.ts';
import { updateLicenses } from './store.ts';

/**
 * Signs locked licences as they are, with the active key, and writes the signatures (rules L10): two statements whatever
 * their number. Throws AppError `conflict` when there is no key yet.
 */
export async function signLicenses(work: Work, licenses: License[]): Promise<Signed[]> {
  if (licenses.length === 0) return [];
  const key = await findActiveKey(work.db);
  if (!key) throw conflict('There is no signing key yet. Make one first.');
  const sign = openSigner(work.runtime.vault, key.kid, key.sealed);
  const signed = licenses.map((before) => {
    const license = { ...before, seq: before.seq + 1, kid: key.kid, signedAt: work.now };
    const payload = composePayload(license);
    return { license, payload, signature: sign(payload) };
  });
  await updateSignatures(work.db, signed);
  return signed;
}

/** A locked licence before and after a change in memory. */
export interface Changed {
  before: License;
  after: License;
}

/**
 * Writes changed licences, tells of their status, and signs again those whose signed members changed, in the same
 * commit (rules L10); a constant number of statements. Answers the licences as they are then.
 */
export async function saveLicenses(work: Work, changed: Changed[]): Promise<License[]> {
  for (const { after } of changed) after.updatedAt = work.now;
  const rows = changed.map(({ after }) => after);
  await updateLicenses(work.db, rows);
  const stale = changed.filter(({ before, after }) => before.seq > 0 && signedMembersDiffer(before, after));
  const signed = await signLicenses(
    work,
    stale.map(({ after }) => after),
  );
  for (const { before, after } of changed) for (const event of statusEvents(before.status, after)) work.emit(event);
  const again = new Map(signed.map(({ license }) => [license.id, license]));
  return rows.map((row) => again.get(row.id) ?? row);
}
