import { readConfig } from '../src/config.ts';
import { TestClock } from '../src/platform/clock.ts';
import { migrate } from '../src/platform/db/migrate.ts';
import { createRuntime } from '../src/runtime.ts';
import { isEmpty, seed } from './seed/seed.ts';

// Fills an empty database with a year of a small company; a database that has products or customers is left as it is.
const runtime = createRuntime(readConfig());
const { database, clock } = runtime;
try {
  await migrate(database, clock.now());
  if (clock instanceof TestClock) await clock.refresh(database.read);
  if (await isEmpty(database.read)) console.log(await seed(runtime));
  else console.log('There are products or customers already: nothing was changed.');
} finally {
  await database.close();
}
