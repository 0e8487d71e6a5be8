import { workerData } from 'node:worker_threads';
import { connect } from '../../platform/db/connect.ts';
import type { WorkerInput } from './isolated.ts';
import { reconcile } from './reconcile.ts';

/** The thread of isolated.ts: reads the file on a connection of its own and answers with one message. */
const { file, asked, answer } = workerData as WorkerInput;
const database = connect(`sqlite:${file}`);
try {
  answer.postMessage(await database.snapshot((db) => reconcile(db, asked)));
} finally {
  await database.close();
}
