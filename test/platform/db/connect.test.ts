import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { withColumnTypes } from '../../../src/platform/db/columns.ts';
import { connect, dialectOf } from '../../../src/platform/db/connect.ts';
import {
  isDatabaseError,
  isRetryable,
  isTransactionConflict,
  isUniqueViolation,
} from '../../../src/platform/db/errors.ts';
import { execute, query } from '../../../src/platform/db/sql.ts';
import { dialect, type TestDatabase, testDatabase } from '../../support/database.ts';

const TABLE = 'CREATE TABLE notes (id {id} PRIMARY KEY, body {text} NOT NULL UNIQUE, n {int} NOT NULL) {strict}';
const onlySqlite = dialect === 'sqlite' ? test : test.skip;
const onlyPostgres = dialect === 'postgres' ? test : test.skip;
const errorOf = (work: Promise<unknown>) => work.then(() => undefined).catch((error: unknown) => error);

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
  await query(place.database.write, withColumnTypes(TABLE, place.database.dialect));
});
beforeEach(() => execute(place.database.write, 'DELETE FROM notes'));
afterAll(() => place.drop());

const note = (id: string, n = 1) => ({ id, body: `body of ${id}`, n });

describe('transactions', () => {
  test('a commit shows everything, a throw nothing', async () => {
    const { database } = place;
    const id = await database.transaction(async (trx) => (await trx('notes').insert(note('a')).returning('id'))[0].id);
    const error = new Error('changed my mind');
    const failed = database.transaction(async (trx) => {
      await trx('notes').insert(note('b'));
      throw error;
    });
    expect(await errorOf(failed)).toBe(error);
    expect(id).toBe('a');
    expect((await database.read('notes')).map((row) => row.id)).toEqual(['a']);
  });

  test('a reader neither waits for the writer nor sees what is not committed', async () => {
    const { database } = place;
    await database.transaction(async (trx) => {
      await trx('notes').insert(note('a'));
      expect(await trx('notes')).toHaveLength(1);
      expect(await database.read('notes')).toEqual([]);
    });
    expect(await database.read('notes')).toHaveLength(1);
  });

  test('read-then-write of many transactions at once loses no update', async () => {
    const { database } = place;
    await database.write('notes').insert(note('counter', 0));
    const raise = () =>
      database.transaction(async (trx) => {
        const [row] = await trx('notes').where({ id: 'counter' }).forNoKeyUpdate();
        await trx('notes')
          .where({ id: 'counter' })
          .update({ n: row.n + 1 });
      });
    await Promise.all(Array.from({ length: 40 }, raise));
    expect((await database.read('notes').where({ id: 'counter' }).first()).n).toBe(40);
  });

  test('a nested transaction is undone alone', async () => {
    await place.database.transaction(async (trx) => {
      await trx('notes').insert(note('outer'));
      const inner = trx.transaction(async (deeper) => {
        await deeper('notes').insert(note('inner'));
        throw new Error('inner');
      });
      expect(await errorOf(inner)).toBeInstanceOf(Error);
    });
    expect((await place.database.read('notes')).map(({ id }) => id)).toEqual(['outer']);
  });

  test('onConflict().ignore() answers no row, and the transaction goes on', async () => {
    await place.database.transaction(async (trx) => {
      await trx('notes').insert(note('a'));
      expect(await trx('notes').insert(note('a')).onConflict('id').ignore().returning('id')).toEqual([]);
      await trx('notes').insert(note('b'));
    });
    expect(await place.database.read('notes')).toHaveLength(2);
  });

  onlySqlite('the reader cannot write and has no transactions', async () => {
    const { read } = place.database;
    await expect(read('notes').insert(note('a'))).rejects.toThrow('readonly');
    expect(() => read.transaction(async () => {})).toThrow('no transactions');
  });

  onlySqlite('a query beside an open transaction times out instead of waiting for ever', async () => {
    const { database } = place;
    const error = await database.transaction(() => errorOf(Promise.resolve(database.write('notes'))));
    expect(isRetryable(error)).toBe(true);
  });
});

describe('statements', () => {
  test('text with question marks, quotes and names stays a value', async () => {
    const body = `what? \\? ? ' " $1 ; DROP TABLE notes`;
    await place.database.write('notes').insert({ id: 'q', body, n: 1 });
    expect(await query(place.database.read, 'SELECT id FROM notes WHERE body = ?', [body])).toEqual([{ id: 'q' }]);
  });

  test('execute counts changed rows, query answers returned ones', async () => {
    const { write } = place.database;
    const insert = 'INSERT INTO notes (id, body, n) VALUES (?, ?, ?), (?, ?, ?)';
    expect(await execute(write, insert, ['a', 'x', 1, 'b', 'y', 2])).toBe(2);
    expect(await query(write, 'UPDATE notes SET n = n + ? WHERE id = ? RETURNING n', [5, 'b'])).toEqual([{ n: 7 }]);
    expect(await execute(write, 'DELETE FROM notes WHERE id = ?', ['nobody'])).toBe(0);
  });

  test('limits, first and counts', async () => {
    const { write, read } = place.database;
    await write('notes').insert([note('a', 1), note('b', 2), note('c', 3)]);
    expect((await read('notes').orderBy('id', 'desc').first()).id).toBe('c');
    expect((await read('notes').orderBy('id').limit(2)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(await read('notes').orderBy('id').limit(1).offset(1)).toHaveLength(1);
    expect(await read('notes').limit(0)).toEqual([]);
    expect((await read('notes').count({ n: '*' }))[0]).toEqual({ n: 3 });
  });

  test('a statement used before goes on working after the table has changed', async () => {
    const { write, read } = place.database;
    await write('notes').insert(note('a'));
    const before = await read('notes').where({ id: 'a' });
    await query(write, 'ALTER TABLE notes ADD COLUMN extra integer');
    const work = () => Promise.resolve(read('notes').where({ id: 'a' }));
    const error = await errorOf(work());
    if (error) expect(isTransactionConflict(error)).toBe(true); // Postgres refuses the stale plan once
    expect(await work()).toEqual([{ ...before[0], extra: null }]);
    await query(write, 'ALTER TABLE notes DROP COLUMN extra');
  });

  onlyPostgres('repeated statements are prepared once on the server', async () => {
    await place.database.transaction(async (trx) => {
      for (const id of ['a', 'b', 'c']) await trx('notes').where({ id, n: 4711 });
      const named = await query(trx, `SELECT name FROM pg_prepared_statements WHERE statement LIKE '%"n" = $2%'`);
      expect(named).toHaveLength(1);
    });
  });
});

describe('errors', () => {
  const violation = async () => {
    await place.database.write('notes').insert(note('a'));
    return errorOf(Promise.resolve(place.database.write('notes').insert(note('a'))));
  };

  test('a unique violation is told from other errors', async () => {
    const error = await violation();
    expect([isUniqueViolation(error), isDatabaseError(error), isRetryable(error)]).toEqual([true, true, false]);
    const other = await errorOf(Promise.resolve(place.database.read('nowhere')));
    expect([isUniqueViolation(other), isDatabaseError(other), isRetryable(other)]).toEqual([false, true, false]);
    expect([isDatabaseError(new Error('x')), isDatabaseError(null), isRetryable('x')]).toEqual([false, false, false]);
  });

  test('messages do not contain bound values', async () => {
    const error = (await violation()) as Error;
    expect(error.message).not.toContain('body of a');
  });

  onlySqlite('a lock held by another process is retryable', async () => {
    const other = connect(place.url, { durability: 'off' });
    const error = await other.transaction(async (trx) => {
      await trx.raw('SELECT 1');
      return errorOf(
        place.database.write
          .raw('PRAGMA busy_timeout = 20')
          .then(() => place.database.write('notes').insert(note('b'))),
      );
    });
    await place.database.write.raw('PRAGMA busy_timeout = 5000');
    await other.close();
    expect([isRetryable(error), isDatabaseError(error)]).toEqual([true, true]);
  });

  onlyPostgres('a deadlock, a lock time-out and a statement time-out are retryable', async () => {
    const { database } = place;
    await database.write('notes').insert([note('a'), note('b')]);
    const cross = async (first: string, second: string) =>
      database.transaction(async (trx) => {
        await trx('notes').where({ id: first }).update({ n: 2 });
        await new Promise((resolve) => setTimeout(resolve, 50));
        await trx('notes').where({ id: second }).update({ n: 2 });
      });
    const [one, two] = await Promise.all([errorOf(cross('a', 'b')), errorOf(cross('b', 'a'))]);
    const deadlock = one ?? two;
    expect([isTransactionConflict(deadlock), isRetryable(deadlock)]).toEqual([true, true]);
    const limited = (setting: string, sql: string) =>
      errorOf(
        database.transaction(async (trx) => {
          await trx.raw(`SET LOCAL ${setting} = 20`);
          await trx.raw(sql);
        }),
      );
    const waited = await database.transaction(async (trx) => {
      await trx('notes').where({ id: 'a' }).update({ n: 3 });
      return limited('lock_timeout', "UPDATE notes SET n = 4 WHERE id = 'a'");
    });
    const slow = await limited('statement_timeout', 'SELECT pg_sleep(1)');
    expect([waited, slow].map((error) => [isRetryable(error), isTransactionConflict(error)])).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  onlyPostgres('a lost connection is retryable and the pool recovers', async () => {
    const { database } = place;
    const error = await errorOf(
      database.transaction(async (trx) => {
        const [row] = await query<{ pid: number }>(trx, 'SELECT pg_backend_pid() AS pid');
        await query(database.read, 'SELECT pg_terminate_backend(?)', [row!.pid]);
        await trx('notes');
      }),
    );
    expect(isRetryable(error)).toBe(true);
    expect(await database.read('notes')).toEqual([]);
  });

  test('a server that is not there is retryable', async () => {
    const nobody = connect('postgres://x@127.0.0.1:1/x');
    const error = await errorOf(Promise.resolve(nobody.read('notes')));
    await nobody.close();
    expect(isRetryable(error)).toBe(true);
  });
});

describe('URLs', () => {
  test.each(['sqlite::memory:', 'sqlite:', 'sqlite:file:x?mode=memory', 'mysql://x', ''])('%s is refused', (url) => {
    expect(() => connect(url)).toThrow();
  });

  test('the dialect of a handle is known', async () => {
    expect(dialectOf(place.database.read)).toBe(dialect);
    await place.database.transaction(async (trx) => expect(dialectOf(trx)).toBe(dialect));
  });

  onlySqlite('writing is durable by default and the folder is made', async () => {
    const url = `${place.url}.${randomBytes(4).toString('hex')}/new.db`;
    const fresh = connect(url);
    const pragma = async (name: string) => Object.values((await fresh.write.raw(`PRAGMA ${name}`))[0])[0];
    expect([await pragma('journal_mode'), await pragma('synchronous'), await pragma('foreign_keys')]).toEqual([
      'wal',
      2,
      1,
    ]);
    await fresh.close();
  });
});
