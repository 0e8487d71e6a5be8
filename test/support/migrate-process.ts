import { connect } from '../../src/platform/db/connect.ts';
import { migrate } from '../../src/platform/db/migrate.ts';

// A process of its own that migrates the database given as argument and prints what it applied (migrations.test.ts).
const database = connect(process.argv[2] ?? '');
const applied = await migrate(database, '2026-01-01T00:00:00.000Z');
await database.close();
process.stdout.write(JSON.stringify(applied));
