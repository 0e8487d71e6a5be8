import { type Db, dialectOf } from '../../src/platform/db/connect.ts';
import { execute, query } from '../../src/platform/db/sql.ts';
import type { TestApp } from './app.ts';

/** 26 characters of the ULID alphabet, in the order of `n`. */
const idOf = (kind: string) => `'01M${kind}000000000000000' || substr(cast(10000000 + n as text), 2)`;

/**
 * One trialing subscription made through the API, and `count` - 1 copies of it, each of a customer of its own: the
 * rows that the API would have written, written in a few statements. Answers the end of the trials.
 */
export async function manyTrials(app: TestApp, count: number, trialDays = 1): Promise<string> {
  const { given, database } = app;
  const customer = await given.customer();
  const sub = await given.subscription({ customerId: customer.id, trialDays });
  const [customerId, subId, eventId] = [idOf('C'), idOf('S'), `'evt_' || ${idOf('E')}`];
  const body = `replace(replace(replace(body, t.id, ${eventId}), '${customer.id}', ${customerId}), '${sub.id}', ${subId})`;
  const email = `'many-' || cast(n as text) || '@acme.example'`;
  await database.transaction(async (db) => {
    await copy(db, 'customers', `id = '${customer.id}'`, count, { id: customerId, email, email_key: email });
    await copy(db, 'subscriptions', `id = '${sub.id}'`, count, { id: subId, customer_id: customerId });
    const event = { id: eventId, customer_id: customerId, resource_id: subId, body, position: 'null' };
    await copy(db, 'events', `resource_id = '${sub.id}'`, count, event);
    await copy(db, 'counters', `scope = 'events:${customer.id}'`, count, { scope: `'events:' || ${customerId}` });
    await copy(db, 'audit_log', `entity_id = '${sub.id}'`, count, { id: idOf('A'), entity_id: subId });
  });
  await app.drain();
  return sub.currentPeriodEnd;
}

async function copy(db: Db, table: string, where: string, count: number, changed: Record<string, string>) {
  const [row] = await query<object>(db, `select * from ${table} where ${where}`);
  const columns = Object.keys(row!);
  const values = columns.map((column) => cast(db, column, changed[column] ?? `t.${column}`));
  await execute(
    db,
    `insert into ${table} (${columns.join(', ')})
     with recursive series(n) as (select 1 union all select n + 1 from series where n < ${count - 1})
     select ${values.join(', ')} from ${table} t cross join series where ${where}`,
  );
}

const cast = (db: Db, column: string, value: string): string =>
  column === 'position' && dialectOf(db) === 'postgres' ? `cast(${value} as bigint)` : value;
