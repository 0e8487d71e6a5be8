import { breathe } from '../platform/jobs/breathe.ts';
import { inHalves } from '../platform/jobs/halves.ts';
import { retryConflicts } from '../platform/retry.ts';
import { inTransaction, type Runtime } from '../platform/work.ts';
import { followLate } from './following/follow.ts';
import { findActiveKey, updateSeal } from './signing/key-store.ts';
import { saveLicenses } from './signing/sign.ts';
import { signMarked } from './signing/sign-again.ts';
import { renewSeal } from './signing/signing-key.ts';
import { claimExpired, type DueLicense, listExpired } from './store.ts';

const BATCH = 200;
const FIRST: DueLicense = { id: '', expiresAt: '0001-01-01T00:00:00.000Z' };
const INFO = { actor: { type: 'system', id: null }, action: 'licenses' } as const;

export interface LicensesOutcome {
  expired: number;
  /** Signed again that were marked. */
  signed: number;
  /** Followings of subscriptions that were put off. */
  caughtUp: number;
  errors: { resourceType: string; resourceId: string; message: string }[];
}

/**
 * Keeps the signing key readable, makes what was put off, signs what was marked (rules X8, L15), and stores the expiry of
 * every licence whose date has gone (rules L1, L3).
 */
export async function runLicenses(runtime: Runtime, stopping = () => false): Promise<LicensesOutcome> {
  await reencryptSigningKey(runtime);
  const late = await followLate(runtime, stopping);
  const again = await signMarked(runtime, stopping);
  const errors = [...late.errors, ...again.errors];
  const outcome: LicensesOutcome = { expired: 0, signed: again.signed, caughtUp: late.done, errors };
  for (let after: DueLicense | undefined = FIRST; after !== undefined && !stopping(); ) {
    const due: DueLicense[] = await listExpired(runtime.database.read, runtime.clock.now(), after, BATCH);
    after = due.length === BATCH ? due.at(-1) : undefined;
    await inHalves(
      due.map(({ id }) => id),
      async (ids) => {
        outcome.expired += await retryConflicts(() => expire(runtime, ids));
      },
      async (id, error) => {
        runtime.log.error({ err: error, licenseId: id }, 'a licence could not be expired');
        const message = error instanceof Error ? error.message.slice(0, 500) : 'unknown error';
        outcome.errors.push({ resourceType: 'license', resourceId: id, message });
      },
    );
    await breathe();
  }
  return outcome;
}

/** Looked at again under the lock: whoever holds one of them sees to it, and another run finds it still due. */
const expire = (runtime: Runtime, ids: string[]): Promise<number> =>
  inTransaction(runtime, INFO, async (work) => {
    const due = await claimExpired(work.db, work.now, ids);
    const changed = due.map((before) => ({ before, after: { ...before, status: 'expired' as const } }));
    if (changed.length > 0) await saveLicenses(work, changed);
    for (const { id } of due) work.audit({ entityType: 'license', entityId: id, reason: 'expired' });
    return due.length;
  });

/** After a change of SECRET_KEY the private key is sealed under the new one, so that the old one may go (rules H7). */
export async function reencryptSigningKey(runtime: Runtime): Promise<void> {
  const { database, vault, log } = runtime;
  try {
    const key = await findActiveKey(database.read);
    const sealed = key && renewSeal(vault, key.kid, key.sealed);
    if (sealed) await updateSeal(database.write, key.kid, sealed);
  } catch (err) {
    log.error({ err }, 'the signing key cannot be read with this SECRET_KEY');
  }
}
