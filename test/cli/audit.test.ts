import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
});
afterAll(() => place.drop());

function audit(url: string) {
  const env = { PATH: process.env.PATH, DATABASE_URL: url, SECRET_KEY: 'a secret key of the tests, long enough' };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/cli/audit.ts'], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('ends with 0 and one line when every check holds', () => {
  expect(audit(place.url)).toEqual({
    status: 0,
    stdout: expect.stringMatching(/^All \d+ checks hold\.\n$/),
    stderr: '',
  });
});

test('ends with 1 and the offending ids otherwise', async () => {
  await place.database.write('counters').insert({ scope: 'invoice:INV:2026', value: 3 });
  const { status, stdout } = audit(place.url);
  expect(status).toBe(1);
  expect(stdout).toBe('INV15  the invoice numbers of a series are not 1 to n\n    INV-2026-\n');
});

test('ends with 2 when the configuration is not usable', () => {
  const { status, stderr } = audit('sqlite::memory:');
  expect(status).toBe(2);
  expect(stderr).not.toBe('');
});
