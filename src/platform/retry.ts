import { isTransactionConflict } from './db/errors.ts';

const ATTEMPTS = 3;

/** A deadlock or serialization failure has undone the whole transaction, so the same work is done again. */
export async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isTransactionConflict(error)) throw error;
    }
  }
}
