import type { TestApp } from './app.ts';

/** How many statements `run` sent to the database: its reads, or what its transactions do. */
export async function statementsOf(
  app: TestApp,
  run: () => Promise<unknown>,
  handle: 'read' | 'write' = 'read',
): Promise<number> {
  let count = 0;
  const counted = () => {
    count += 1;
  };
  app.database[handle].on('query', counted);
  await run();
  app.database[handle].off('query', counted);
  return count;
}
