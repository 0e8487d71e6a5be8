import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
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

/**
 * Reconciles on one unchanging view of the database without holding anybody up: on SQLite, whose statements run
 * to their end at once, in a thread with a connection of its own. Throws AppError `service_unavailable` after `limitMs`.
 */
export function reconcileIsolated(runtime: Runtime, asked: ReconcileQuery, limitMs?: number): Promise<Reconciliation> {
  const turn = queue.then(() => run(runtime, asked, limitMs));
  queue = turn.catch(() => {});
  return turn;
}

async function run({ database }: Runtime, asked: ReconcileQuery, limitMs?: number): Promise<Reconciliation> {
  if (database.dialect === 'postgres') return database.snapshot((db) => unhurried(db, () => reconcile(db, asked)));
  const { filename } = database.read.client.config.connection as { filename: string };
  return inThread({ file: filename, asked }, limitMs);
}

function inThread(input: Omit<WorkerInput, 'answer'>, limitMs = 0): Promise<Reconciliation> {
  const { port1: answered, port2: answer } = new MessageChannel();
  const workerData: WorkerInput = { ...input, answer };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData, transferList: [answer] });
  let timer: NodeJS.Timeout | undefined;
  return new Promise<Reconciliation>((resolve, reject) => {
    if (limitMs > 0) timer = setTimeout(() => reject(tooLong()), limitMs);
    answered.once('message', resolve);
    worker.once('error', reject);
    answered.once('close', () => reject(new Error('The thread that reconciles ended without an answer.')));
  }).finally(() => {
    clearTimeout(timer);
    answered.close();
    return worker.terminate();
  });
}

const tooLong = (): AppError =>
  new AppError('service_unavailable', 'The books are too large for one request; run the audit command.', {
    headers: { 'Retry-After': '600' },
  });
