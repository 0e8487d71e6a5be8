import { readConfig } from './src/config.ts';
import { sqliteFile } from './src/platform/db/connect.ts';

// Connection settings for people who use the Knex command line. The schema is not made by it: `npm run migrate`.
const { databaseUrl } = readConfig();

export default databaseUrl.startsWith('sqlite:')
  ? { client: 'better-sqlite3', connection: { filename: sqliteFile(databaseUrl) }, useNullAsDefault: true }
  : { client: 'pg', connection: databaseUrl };
