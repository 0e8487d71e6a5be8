import type { Instant } from '../../platform/calendar.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { inHalves } from '../../platform/jobs/halves.ts';
import { retryConflicts } from '../../platform/retry.ts';
import { inTransaction, type Runtime } from '../../platform/work.ts';
import { findSigner, saveLicenses } from './sign.ts';
import { claimUnsigned, listUnsigned, type Marked } from './signature-store.ts';

const BATCH = 200;
const INFO = { actor: { type: 'system', id: null }, action: 'licenses' } as const;

export interface SigningOutcome {
  signed: number;
  errors: { resourceType: string; resourceId: string; message: string }[];
}

/** Signs what was marked because its signature could not be made, once the key can be read again (rules L15). */
export async function signMarked(runtime: Runtime, stopping = () => false): Promise<SigningOutcome> {
  const outcome: SigningOutcome = { signed: 0, errors: [] };
  const tell = (resourceId: string, message: string) =>
    void outcome.errors.push({ resourceType: 'license', resourceId, message });
  for (let after: Marked | undefined = FIRST; after !== undefined && !stopping(); ) {
    const marked: Marked[] = await listUnsigned(runtime.database.read, after, BATCH);
    if (marked.length === 0) break;
    if (!isReady(await findSigner(runtime, runtime.database.read))) {
      tell(marked[0]!.id, 'Licences wait to be signed again: the signing key cannot be read.');
      break;
    }
    after = marked.length === BATCH ? marked.at(-1) : undefined;
    await inHalves(
      marked.map(({ id }) => id),
      async (ids) => {
        outcome.signed += await retryConflicts(() => signSome(runtime, ids));
      },
      async (id, err) => {
        runtime.log.error({ err, licenseId: id }, 'a licence could not be signed again');
        tell(id, err instanceof Error ? err.message.slice(0, 500) : 'unknown error');
      },
    );
    await breathe();
  }
  return outcome;
}

const FIRST: Marked = { id: '', unsignedSince: '0001-01-01T00:00:00.000Z' as Instant };
const isReady = (signer: Awaited<ReturnType<typeof findSigner>>): boolean =>
  signer !== undefined && signer !== 'unreadable';

/** Looked at again under the lock; answers how many have their signature now. */
const signSome = (runtime: Runtime, ids: string[]): Promise<number> =>
  inTransaction(runtime, INFO, async (work) => {
    const marked = await claimUnsigned(work.db, ids);
    if (marked.length === 0) return 0;
    const saved = await saveLicenses(
      work,
      marked.map((before) => ({ before, after: { ...before } })),
    );
    const done = saved.filter(({ unsignedSince }) => unsignedSince === null);
    for (const { id } of done) work.audit({ entityType: 'license', entityId: id, reason: 'signed again' });
    return done.length;
  });
