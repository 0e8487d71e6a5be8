import { readConfig } from '../src/config.ts';
import { systemClock } from '../src/platform/clock.ts';
import { connect } from '../src/platform/db/connect.ts';
import { migrate } from '../src/platform/db/migrate.ts';

// Brings the schema of DATABASE_URL up to date; safe to run beside a running server and from several machines at once.
const database = connect(readConfig().databaseUrl);
try {
  const waiting = (seconds: number) => console.log(`Waiting for another process, ${seconds} s so far.`);
  const applied = await migrate(database, systemClock.now(), undefined, waiting);
  console.log(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The schema is up to date.');
} finally {
  await database.close();
}
