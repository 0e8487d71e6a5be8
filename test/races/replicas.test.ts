import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { connect } from '../../src/platform/db/connect.ts';
import { rollback } from '../../src/platform/db/migrate.ts';
import { query } from '../../src/platform/db/sql.ts';
import { atOnce } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dialect, type TestDatabase, testDatabase } from '../support/database.ts';
import { startServer } from '../support/processes.ts';
import { dumpSchema } from '../support/schema.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let place: TestDatabase;
afterEach(() => place.drop());

const ADMIN = { ADMIN_EMAIL: 'first@acme.example', ADMIN_PASSWORD: 'a password that is long' };

const onPostgres = dialect === 'postgres';
const name = onPostgres ? 'become ready' : 'are one that becomes ready and one that is refused';

test(`two replicas that start at once on an empty database ${name}, with one schema and one admin`, async () => {
  place = await testDatabase();
  const { database, url } = place;
  const schema = await dumpSchema(database.read);
  await rollback(database);
  await query(database.write, 'DROP TABLE schema_migrations');
  const starts = await Promise.allSettled([startServer(url, ADMIN), startServer(url, ADMIN)]);
  const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  try {
    const refused = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []));
    expect(refused).toEqual(onPostgres ? [] : [expect.stringContaining('another server runs on')]);
    expect(await dumpSchema(database.read)).toEqual(schema);
    const users = await database.read('users').select('email', 'role');
    expect(users).toEqual([{ email: 'first@acme.example', role: 'admin' }]);
    const login = JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD });
    for (const { base } of servers) {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${base}/api/auth/login`, { method: 'POST', headers, body: login });
      expect(answer.status).toBe(200);
    }
  } finally {
    expect(await Promise.all(servers.map((server) => server.stop()))).toEqual(servers.map(() => 0));
  }
});

// On SQLite there is one server per file.
(onPostgres ? describe : describe.skip)('two applications on one database', () => {
  test('write, and number the events, at once: every event has one position, in order per customer', async () => {
    place = await testDatabase();
    const second = connect(place.url, { poolSize: 10 });
    const apps: TestApp[] = [
      await startApp({ database: { database: place.database, drop: async () => {} } }),
      await startApp({ database: { database: second, drop: () => second.close() } }),
    ];
    try {
      const customers = await atOnce(4, () => apps[0]!.given.customer());
      await atOnce(80, async (n) => {
        const app = apps[n % 2]!;
        const invoice = await app.given.invoice({ customerId: customers[n % 4]!.id });
        await app.drain();
        await app.api.put(`/api/billing/invoices/${invoice.id}`, { status: n % 3 === 0 ? 'void' : 'paid' });
        await apps[(n + 1) % 2]!.drain();
      });
      await apps[0]!.drain();
      expect(await checkInvariants(second.read, apps[0]!.clock.now())).toEqual([]);
      const [{ n }] = (await query<{ n: unknown }>(
        second.read,
        'select count(*) as n from events where position is null',
      )) as [{ n: unknown }];
      expect(Number(n)).toBe(0);
    } finally {
      for (const app of apps) await app.close();
    }
  });
});
