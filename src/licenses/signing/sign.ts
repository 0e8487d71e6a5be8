import { conflict } from '../../platform/errors.ts';
import type { Runtime, Work } from '../../platform/work.ts';
import { statusEvents } from '../events.ts';
import { type License, signedMembersDiffer } from '../license.ts';
import { updateLicenses } from '../store.ts';
import { findActiveKey } from './key-store.ts';
import { composePayload } from './payload.ts';
import { type Signed, updateSignatures } from './signature-store.ts';
import { openSigner } from './signing-key.ts';

interface Signer {
  kid: string;
  sign: (text: string) => string;
}

/** The active key, ready to sign; `unreadable` when this SECRET_KEY does not open it, undefined when there is none. */
export async function findSigner({ vault, log }: Runtime, db: Work['db']): Promise<Signer | 'unreadable' | undefined> {
  const key = await findActiveKey(db);
  if (!key) return undefined;
  try {
    return { kid: key.kid, sign: openSigner(vault, key.kid, key.sealed) };
  } catch (err) {
    log.error({ err, kid: key.kid }, 'the signing key cannot be read with this SECRET_KEY');
    return 'unreadable';
  }
}

/** As findSigner. Throws AppError `conflict` when there is no key yet or it cannot be read. */
async function requireSigner({ runtime, db }: Work): Promise<Signer> {
  const signer = await findSigner(runtime, db);
  if (!signer) throw conflict('There is no signing key yet. Make one first.');
  if (signer !== 'unreadable') return signer;
  throw conflict(
    'The signing key cannot be read with the present SECRET_KEY. Start with the right one, or make a new key.',
  );
}

function signOne(signer: Signer, before: License, { now }: Work): Signed {
  const license = { ...before, seq: before.seq + 1, kid: signer.kid, signedAt: now, unsignedSince: null };
  const payload = composePayload(license);
  return { license, payload, signature: signer.sign(payload) };
}

/** Signs a locked licence as it is, with the active key, and writes it (rules L10). Throws AppError `conflict`. */
export async function signLicense(work: Work, license: License): Promise<Signed> {
  const signed = signOne(await requireSigner(work), license, work);
  await updateSignatures(work.db, [signed]);
  return signed;
}

/** Signs those that can be signed, without writing them; the others are marked to be signed again (rules L15). */
async function signOrMark(work: Work, licenses: License[]): Promise<Signed[]> {
  if (licenses.length === 0) return [];
  const signer = await findSigner(work.runtime, work.db);
  const signed: Signed[] = [];
  for (const license of licenses) {
    try {
      if (!signer || signer === 'unreadable') throw new Error('There is no readable signing key.');
      signed.push(signOne(signer, license, work));
    } catch (err) {
      license.unsignedSince ??= work.now;
      work.runtime.log.error({ err, licenseId: license.id }, 'a licence waits to be signed again');
    }
  }
  return signed;
}

/** A locked licence before and after a change in memory. */
export interface Changed {
  before: License;
  after: License;
}

const isStale = ({ before, after }: Changed): boolean =>
  before.seq > 0 && (before.unsignedSince !== null || signedMembersDiffer(before, after));

/**
 * Writes changed licences, tells of their status, and signs again those whose signed members changed, in the same
 * commit (rules L10); a constant number of statements. A signature that cannot be made stops nothing (rules L15).
 * Answers the licences as they are then.
 */
export async function saveLicenses(work: Work, changed: Changed[]): Promise<License[]> {
  for (const { after } of changed) after.updatedAt = work.now;
  const rows = changed.map(({ after }) => after);
  const signed = await signOrMark(
    work,
    changed.filter(isStale).map(({ after }) => after),
  );
  await updateLicenses(work.db, rows);
  await updateSignatures(work.db, signed);
  for (const { before, after } of changed) for (const event of statusEvents(before.status, after)) work.emit(event);
  const again = new Map(signed.map(({ license }) => [license.id, license]));
  return rows.map((row) => again.get(row.id) ?? row);
}
