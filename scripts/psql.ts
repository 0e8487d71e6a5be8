import { createInterface } from 'node:readline';
import pg from 'pg';
import { connect } from '../src/platform/db/connect.ts';
import { migrate } from '../src/platform/db/migrate.ts';
import { startPostgres } from '../test/support/postgres.ts';

// A prompt on a Postgres with the schema: that of DATABASE_URL, or a private one that is gone afterwards.
const given = process.env.DATABASE_URL;
if (given && !given.startsWith('postgres')) {
  console.error('make psql opens Postgres; on SQLite: sqlite3 data/rustbill.db');
  process.exit(1);
}
const server = given ? undefined : await startPostgres();
const url = given ?? server!.url('postgres');
try {
  if (server) await migrateFresh();
  console.log(
    `${url}\nStatements end with a semicolon. \\d lists the tables, \\d NAME the columns of one, Ctrl-D ends.`,
  );
  await prompt(new pg.Client(url));
} finally {
  await server?.stop();
}

async function migrateFresh(): Promise<void> {
  const database = connect(url);
  await migrate(database, '2026-01-01T00:00:00.000Z');
  await database.close();
}

async function prompt(client: pg.Client): Promise<void> {
  await client.connect();
  try {
    const lines = createInterface({ input: process.stdin, terminal: process.stdin.isTTY });
    const ask = (text: string) => process.stdout.write(text);
    let statement = '';
    ask('sql> ');
    for await (const line of lines) {
      statement += `${line}\n`;
      const described = /^\s*\\d\s*(\w*)\s*$/.exec(statement);
      if (described || /;\s*$/.test(statement)) {
        await answer(client, described ? description(described[1]!) : statement);
        statement = '';
      }
      ask(statement.trim() ? '...> ' : 'sql> ');
    }
  } finally {
    await client.end();
  }
}

async function answer(client: pg.Client, sql: string): Promise<void> {
  try {
    // several statements in one text have several results
    for (const result of [await client.query(sql)].flat())
      if (result.fields.length > 0) console.table(result.rows);
      else console.log(`${result.command} ${result.rowCount ?? ''}`.trim());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
}

/** `name` has been matched as a word: it needs no quoting. */
function description(name: string): string {
  if (!name) return 'SELECT relname AS "table", n_live_tup AS "rows, about" FROM pg_stat_user_tables ORDER BY relname';
  return `SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = '${name}' ORDER BY ordinal_position`;
}
