import type { Response } from 'express';
import { type Bounds, boundedBy, tooLong } from '../bounds.ts';
import { isRetryable } from '../db/errors.ts';
import type { Operation } from './contract.ts';

/** Why the work of a GET ends when nobody is there any more to read its answer. */
export class CallerGone extends Error {}

/** Nginx's status of a request whose caller did not wait: for the log and the metrics only. */
export const CALLER_GONE = 499;

/**
 * Runs the work of a request until its deadline (contract 1.15), a GET at most until its caller has gone: a POST goes on,
 * because the caller cannot know how far it came. Cron has no limit. Throws AppError `service_unavailable` at the
 * deadline itself, whatever the work is waiting for.
 */
export async function untilDeadline<T>(
  operation: Operation,
  res: Response,
  ms: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  if (operation.access.kind === 'cron') return run(ended.signal);
  let bounds: Bounds | undefined;
  const timer = setTimeout(() => ended.abort(tooLong(messageOf(operation, bounds))), Math.max(0, ms));
  const leave = () => ended.abort(new CallerGone());
  if (operation.method === 'GET') res.once('close', leave);
  try {
    return await boundedBy(ended.signal, (mine) => {
      bounds = mine;
      return run(ended.signal);
    });
  } catch (error) {
    throw bounds?.sent.commit && isRetryable(error) ? tooLong(messageOf(operation, bounds)) : error;
  } finally {
    clearTimeout(timer);
    res.off('close', leave);
  }
}

/** Where a COMMIT was sent nobody knows whether it was done: its Idempotency-Key, in the same commit, tells. */
function messageOf({ method, transaction }: Operation, bounds: Bounds | undefined): string {
  if (!bounds?.sent.commit) return method === 'GET' ? 'It took too long.' : 'The request took too long and was undone.';
  if (transaction === 'manual') return 'The request may have been done, or a part of it: look before you repeat it.';
  return 'Whether the request was done is not known; sent again with the same Idempotency-Key it is done once.';
}
