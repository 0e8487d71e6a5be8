import { isTransactionConflict } from './db/errors.ts';
import { AppError } from './errors.ts';

const ATTEMPTS = 3;
const PREPARATIONS = 3;

/**
 * Thrown inside a transaction that needs something from outside which is not there yet: nothing talks to the network
 * while it is open (rules X2). The work is undone, `prepare` gets the thing, and the same work is done again.
 */
export class Unprepared extends AppError {
  /** Gets and stores what is missing, in no transaction of anybody. Throws AppError `provider_error`. */
  readonly prepare: () => Promise<void>;

  constructor(prepare: () => Promise<void>) {
    super('provider_error', 'What had to be asked outside did not come to an end.');
    this.prepare = prepare;
  }
}

/** Does the work again after what it lacked was prepared: three times at most. `run` must leave nothing when it throws. */
export async function afterPreparing<T>(run: () => Promise<T>): Promise<T> {
  for (let prepared = 0; ; prepared++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Unprepared) || prepared >= PREPARATIONS) throw error;
      await error.prepare();
    }
  }
}

/**
 * A deadlock or serialization failure has undone the whole transaction, so the same work is done again; likewise when it
 * was unprepared.
 */
export function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  return afterPreparing(async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (error) {
        if (attempt >= ATTEMPTS || !isTransactionConflict(error)) throw error;
      }
    }
  });
}
