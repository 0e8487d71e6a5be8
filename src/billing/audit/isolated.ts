import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { currentBounds } from '../../platform/bounds.ts';
import { unhurried } from '../../platform/db/unhurried.ts';
import { AppError } from '../../platform/errors.ts';
import type { Runtime } from '../../platform/work.ts';

export type { Reconciliation };

import { type ReconcileQuery, type Reconciliation, reconcile } from './reconcile.ts';

export interface WorkerInput {
  file: string;
  asked: ReconcileQuery;
  /** Where the answer goes: `node --watch` tells the files that a thread imports over its parent port. */
  answer: MessagePort;
}

/** One at a time in this process: each reads the whole database. */
let queue: Promise<unknown> = Promise.resolve();
/** Those that have not had their turn; more would only wait for longer than a request lasts. */
const waiting = new Set<object>();
const LONGEST_QUEUE = 4;

/**
 * Reconciles on one unchanging view of the database without holding anybody up: on SQLite, whose statements run
 * to their end at once, in a thread with a connection of its own. Ends with the bounds of its caller, in the queue too.
 * Throws AppError `service_unavailable` when too many wait.
 */
export async function reconcileIsolated(runtime: Runtime, asked: ReconcileQuery): Promise<Reconciliation> {
  if (waiting.size >= LONGEST_QUEUE) throw unavailable('Others are being reconciled; ask again later.', 60);
  const signal = currentBounds()?.signal;
  const me = {};
  const leave = () => waiting.delete(me);
  waiting.add(me);
  signal?.addEventListener('abort', leave, { once: true });
  const turn = queue.then(() => {
    leave();
    signal?.removeEventListener('abort', leave);
    signal?.throwIfAborted();
    return run(runtime, asked, signal);
  });
  queue = turn.catch(() => {});
  return turn;
}

async function run({ database }: Runtime, asked: ReconcileQuery, signal?: AbortSignal): Promise<Reconciliation> {
  if (database.dialect === 'postgres') return database.snapshot((db) => unhurried(db, () => reconcile(db, asked)));
  const { filename } = database.read.client.config.connection as { filename: string };
  return inThread({ file: filename, asked }, signal);
}

function inThread(input: Omit<WorkerInput, 'answer'>, signal?: AbortSignal): Promise<Reconciliation> {
  const { port1: answered, port2: answer } = new MessageChannel();
  const workerData: WorkerInput = { ...input, answer };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, transferList: [answer] });
  let end = () => {};
  return new Promise<Reconciliation>((resolve, reject) => {
    end = () => reject(signal?.reason);
    signal?.addEventListener('abort', end, { once: true });
    answered.once('message', resolve);
    worker.once('error', reject);
    answered.once('close', () => reject(new Error('The thread that reconciles ended without an answer.')));
  }).finally(() => {
    signal?.removeEventListener('abort', end);
    answered.close();
    return worker.terminate();
  });
}

export const unavailable = (message: string, seconds: number): AppError =>
  new AppError('service_unavailable', message, { headers: { 'Retry-After': String(seconds) } });
