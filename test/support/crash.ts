import type { TestApp } from './app.ts';

/** Thrown in the place of a statement. */
export class Crash extends Error {}

const KEPT = /^\s*(begin|commit|rollback|savepoint|release)/i;

/**
 * Runs `run` while the database is lost from its `at`-th statement on: whatever was not committed by then is rolled back, and
 * nothing that would clean up reaches the database either. Answers whether it came to that.
 */
export async function crashing<T>(
  app: TestApp,
  at: number,
  run: () => Promise<T>,
): Promise<{ crashed: boolean; value: T }> {
  let count = 0;
  const fail = ({ sql }: { sql: string }) => {
    if (KEPT.test(sql)) return;
    count += 1;
    if (count >= at) throw new Crash(`the database is lost at statement ${at}`);
  };
  app.database.write.on('query', fail);
  try {
    const value = await run();
    return { crashed: count >= at, value };
  } finally {
    app.database.write.off('query', fail);
  }
}
