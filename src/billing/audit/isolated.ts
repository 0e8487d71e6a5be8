import { Worker } from 'node:worker_threads';
import { AppError } from '../../platform/errors.ts';
import type { Runtime } from '../../platform/work.ts';

export type { Reconciliation };

import { type ReconcileQuery, type Reconciliation, reconcile } from './reconcile.ts';
import { inSnapshot } from './snapshot.ts';

export interface WorkerInput {
  file: string;
  asked: ReconcileQuery;
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
  if (database.dialect === 'postgres') return inSnapshot(database, (db) => reconcile(db, asked));
  const { filename } = database.read.client.config.connection as { filename: string };
  return inThread({ file: filename, asked }, limitMs);
}

function inThread(workerData: WorkerInput, limitMs = 0): Promise<Reconciliation> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData });
  return new Promise<Reconciliation>((resolve, reject) => {
    const timer = limitMs > 0 ? setTimeout(() => reject(tooLong()), limitMs) : undefined;
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      clearTimeout(timer);
      reject(new Error('The thread that reconciles ended without an answer.')); // nothing to say after a message
    });
  }).finally(() => worker.terminate());
}

const tooLong = (): AppError =>
  new AppError('service_unavailable', 'The books are too large for one request; run the audit command.', {
    headers: { 'Retry-After': '600' },
  });
