import { boundedBy, currentBounds, unbounded } from '../bounds.ts';
import type { Db } from '../db/connect.ts';
import { AppError, conflict } from '../errors.ts';
import { afterPreparing, retryConflicts } from '../retry.ts';
import { createWork, inTransaction, type Runtime, type Work, type WorkInfo } from '../work.ts';
import { type Answer, serialise } from './answer.ts';
import type { Operation } from './contract.ts';
import { claimKey, type IdempotencyClaim, releaseKey, type StoredAnswer, storeAnswer } from './idempotency.ts';
import type { Context } from './operations.ts';
import { STEP } from './pagination.ts';
import type { createAnswerValidation } from './validation.ts';

export type AnyHandler = (input: Record<string, unknown>, context: Context) => Promise<unknown>;

/** A request that has been read, recognised and validated. */
export interface Call {
  operation: Operation;
  handler: AnyHandler;
  input: Record<string, unknown>;
  context: Omit<Context, keyof Work | 'transaction' | 'snapshot'>;
  info: WorkInfo & { now: string };
  claim: IdempotencyClaim | undefined;
  url: string;
}

/** Runs calls to their answers: reads on one view of the database each, writes in one transaction each (rules X1, X9). */
export function createRunner(
  runtime: Runtime,
  checkAnswer: ReturnType<typeof createAnswerValidation> | undefined,
): (call: Call) => Promise<Answer> {
  const { read, snapshot } = runtime.database;

  const outsideTransaction = (call: Call): Promise<Answer> => {
    const on = (db: Db) => invoke(call, createWork(runtime, call.info, db));
    const { transaction } = call.operation;
    const again = transaction === 'manual' ? afterPreparing : retryConflicts;
    return again(async () => finish(call, needsSnapshot(call) ? await snapshot(on) : await on(read)));
  };

  const finish = (call: Call, result: unknown): Answer => {
    const { operation, url } = call;
    const answer = serialise(operation, result, url);
    const problem = checkAnswer?.(operation, answer.status, answer.json);
    if (problem) throw new Error(`${operation.id} answers outside the contract: ${problem}`);
    // what a manual operation has committed stays: it is not called undone
    if (operation.transaction !== 'manual') call.context.signal.throwIfAborted();
    return answer;
  };

  const invoke = (call: Call, work: Work): Promise<unknown> =>
    call.handler(call.input, Object.assign(work, call.context, transactionsOf(runtime, call)));

  const inOneTransaction = (call: Call): Promise<Answer> =>
    retryConflicts(() =>
      inTransaction(runtime, call.info, async (work) => {
        const { claim, operation } = call;
        const replay = claim && (await claimKey(work.db, claim, work.now, runtime.vault));
        if (replay) return replayed(replay);
        const answer = finish(call, await invoke(call, work));
        const vault = operation.secretAnswer ? runtime.vault : undefined;
        if (claim) await storeAnswer(work.db, claim, textOf(answer), vault);
        return answer;
      }),
    );

  const run = (call: Call): Promise<Answer> => {
    const { operation, claim } = call;
    if (operation.transaction === 'write') return inOneTransaction(call);
    return claim ? runClaimed(runtime, claim, call, () => outsideTransaction(call)) : outsideTransaction(call);
  };
  return (call) => run(call).catch(refusalOf(call.operation));
}

/** A page of a list is one statement, unless it is read in steps. */
const needsSnapshot = ({ operation: { transaction }, input }: Call): boolean =>
  transaction === 'snapshot' ||
  (transaction === 'page' && Number((input.query as { limit?: number }).limit ?? 0) > STEP);

/** The transactions that a manual operation opens itself. */
function transactionsOf(runtime: Runtime, call: Call): Pick<Context, 'transaction' | 'snapshot'> {
  const opened: Pick<Context, 'transaction' | 'snapshot'> = {
    snapshot: runtime.database.snapshot,
    transaction: (run) =>
      retryConflicts(() =>
        inTransaction(runtime, call.info, async (work) => {
          const value = await run(Object.assign(work, call.context, opened));
          call.context.signal.throwIfAborted();
          return value;
        }),
      ),
  };
  return opened;
}

/** A failed service outside is 502 where the contract lists it; elsewhere the state of the row does not allow the change. */
const refusalOf =
  ({ listsProviderError }: Operation) =>
  (error: unknown): never => {
    const listed = listsProviderError || !(error instanceof AppError && error.code === 'provider_error');
    throw listed ? error : conflict(error.message);
  };

/** The key is claimed, and the answer stored, in commits of their own around the operation's (rules X5). */
async function runClaimed(
  { database, vault }: Runtime,
  claim: IdempotencyClaim,
  { operation, info, context }: Call,
  run: () => Promise<Answer>,
): Promise<Answer> {
  const take = () => database.transaction((db) => claimKey(db, claim, info.now, vault, true));
  const replay = await boundedBy(context.signal, take, { sent: { commit: false } });
  if (replay) return replayed(replay);
  const answer = await run().catch(async (error: unknown) => {
    // past the deadline a commit may be on its way: then the key stays taken for its time, as after a crash
    const unknown = context.signal.aborted && currentBounds()?.sent.commit;
    if (!unknown) await unbounded(() => database.transaction((db) => releaseKey(db, claim)));
    throw error;
  });
  const secret = operation.secretAnswer ? vault : undefined;
  await database.transaction((db) => storeAnswer(db, claim, textOf(answer), secret));
  return answer;
}

/** Answers to a POST are text: JSON or nothing. */
const textOf = ({ status, headers, body }: Answer): StoredAnswer => ({ status, headers, body: body as string });

const replayed = (answer: StoredAnswer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'Idempotent-Replayed': 'true' },
  json: undefined,
});
