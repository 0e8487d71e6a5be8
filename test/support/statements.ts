import type { TestApp } from './app.ts';

/** How many statements the reads of `run` sent to the database. */
export async function statementsOf(app: TestApp, run: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const counted = () => {
    count += 1;
  };
  app.database.read.on('query', counted);
  await run();
  app.database.read.off('query', counted);
  return count;
}
