import { statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Db } from '../../../src/platform/db/connect.ts';
import { isRetryable } from '../../../src/platform/db/errors.ts';
import { keepLogShort } from '../../../src/platform/db/short-log.ts';
import { dialect, type TestDatabase, testDatabase } from '../../support/database.ts';

let place: TestDatabase;
beforeEach(async () => {
  place = await testDatabase({ poolSize: 3 });
  await place.database.write.raw('create table notes (id integer primary key, text text)');
  await place.database.write('notes').insert({ id: 1, text: 'before' });
});
afterEach(() => place.drop());

const textOf = async (db: Db): Promise<string> => (await db('notes').where({ id: 1 }).first()).text;
const change = (text: string) => place.database.write('notes').where({ id: 1 }).update({ text });

describe('a snapshot', () => {
  test('sees one moment, and holds up no writer', async () => {
    const { snapshot, read } = place.database;
    const seen = await snapshot(async (db) => {
      const first = await textOf(db);
      await change('after');
      return [first, await textOf(db), await textOf(read)];
    });
    expect(seen).toEqual(['before', 'before', 'after']);
    expect(await snapshot(textOf)).toBe('after');
  });

  test('writes nothing', async () => {
    const written = place.database.snapshot((db) => db('notes').insert({ id: 2, text: 'x' }));
    await expect(written).rejects.toThrow(/read-?only/i);
    expect(await place.database.read('notes')).toHaveLength(1);
  });

  test('several at once do not see each other, and more than there are connections all come to an end', async () => {
    let running = 0;
    let most = 0;
    const read = async (db: Db) => {
      running += 1;
      most = Math.max(most, running);
      const first = await textOf(db);
      await new Promise(setImmediate);
      running -= 1;
      return [first, await textOf(db)];
    };
    const answers = await Promise.all(Array.from({ length: 30 }, () => place.database.snapshot(read)));
    expect(new Set(answers.flat())).toEqual(new Set(['before']));
    expect(most).toBe(dialect === 'sqlite' ? 8 : 3);
  });

  test('what fails is thrown, and the next one is as good as new', async () => {
    const { snapshot } = place.database;
    for (let i = 0; i < 20; i++) await expect(snapshot((db) => db('nowhere'))).rejects.toThrow(/nowhere/);
    await change('after');
    expect(await snapshot(textOf)).toBe('after');
  });

  test('its handle answers nothing once it is over, whether it failed or not', async () => {
    const { snapshot } = place.database;
    let kept: Db | undefined;
    await snapshot(async (db) => {
      kept = db;
    });
    await expect(textOf(kept!)).rejects.toThrow('The snapshot is over');
    const failed = snapshot(async (db) => {
      kept = db;
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await snapshot(async () => {
      await expect(textOf(kept!)).rejects.toThrow('The snapshot is over');
    });
  });

  test('a connection that broke inside it is not used again', async () => {
    if (dialect === 'sqlite') return;
    const { snapshot } = place.database;
    const broken = snapshot((db) => db.raw('select pg_terminate_backend(pg_backend_pid())'));
    await expect(broken.catch((error: unknown) => isRetryable(error))).resolves.toBe(true);
    for (let i = 0; i < 5; i++) expect(await snapshot(textOf)).toBe('before');
  });
});

describe('the log of SQLite', () => {
  const bytes = 200_000;
  const logFile = () => `${place.url.slice('sqlite:'.length)}-wal`;
  const size = () => statSync(logFile()).size;
  const write = () => place.database.write('notes').insert({ text: 'x'.repeat(40_000) });

  /** Snapshots of which one is always open; each begins before the one before it ends. Answers the largest log. */
  async function overlapping(snapshot: TestDatabase['database']['snapshot'], rounds: number): Promise<number> {
    let largest = 0;
    let end = () => {};
    let last: Promise<unknown> = Promise.resolve();
    for (let n = 0; n < rounds; n++) {
      const endLast = end;
      const begun = Promise.withResolvers<void>();
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      const next = snapshot(async (db) => {
        await textOf(db);
        begun.resolve();
        await ended;
      });
      // the running one ends by itself while the next one waits, as requests do
      const free = setTimeout(endLast, 5);
      await begun.promise;
      clearTimeout(free);
      endLast();
      await last;
      last = next;
      await write();
      largest = Math.max(largest, size());
    }
    end();
    await last;
    return largest;
  }

  test('stays short while snapshots overlap without end', async () => {
    if (dialect !== 'sqlite') return;
    const { database } = place;
    const { snapshot, read, write: writer } = database;
    await writer.raw('PRAGMA wal_autocheckpoint = 10');
    await writer.raw(`PRAGMA journal_size_limit = ${bytes}`);
    const checkpoint = () => read.raw('PRAGMA wal_checkpoint(PASSIVE)');
    const kept = keepLogShort(snapshot, logFile(), checkpoint, { bytes, everyMs: 0, pauseMs: 10_000 });
    expect(await overlapping(kept, 60)).toBeLessThan(3 * bytes);
    expect(await overlapping(snapshot, 60)).toBeGreaterThan(12 * bytes); // what 60 rounds write
  });

  test('a snapshot that lasts holds up the others for a moment only', async () => {
    if (dialect !== 'sqlite') return;
    const { snapshot } = place.database;
    let checkpoints = 0;
    const checkpoint = async () => {
      checkpoints += 1;
    };
    const kept = keepLogShort(snapshot, logFile(), checkpoint, { bytes: 0, everyMs: 0, pauseMs: 20 });
    await write();
    await kept(async (db) => {
      await textOf(db);
      expect(await kept(textOf)).toBe('before');
    });
    expect(checkpoints).toBe(0);
  });
});
