import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ensureFirstAdmin } from '../../src/accounts/users/first-admin.ts';
import { createRuntime } from '../../src/runtime.ts';
import { ManualClock, testConfig } from '../support/app.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

let made: TestDatabase;
beforeAll(async () => {
  made = await testDatabase();
});
afterAll(() => made.drop());

const firstAdmin = { email: 'Root@Acme.Example', password: 'a password that is long' };
const runtimeWith = (over: Partial<typeof testConfig>) =>
  createRuntime(
    { ...testConfig, ...over },
    { database: made.database, clock: new ManualClock('2026-03-15T10:30:00.000Z') },
  );
const users = () => made.database.read('users');

test('nobody is created without ADMIN_EMAIL: there is no built-in account', async () => {
  expect(await ensureFirstAdmin(runtimeWith({ firstAdmin: undefined }))).toBe(false);
  expect(await users()).toHaveLength(0);
});

test('several processes that start at once create one admin', async () => {
  const results = await Promise.all([1, 2, 3].map(() => ensureFirstAdmin(runtimeWith({ firstAdmin }))));
  expect(results.filter(Boolean)).toHaveLength(1);
  expect(await users()).toMatchObject([{ email: 'root@acme.example', role: 'admin', auth_provider: 'local' }]);
  expect(await made.database.read('audit_log')).toMatchObject([{ actor_type: 'system', action: 'ensureFirstAdmin' }]);
});

test('an admin that is there is left alone, password included', async () => {
  const [before] = await users();
  const other = { email: 'other@acme.example', password: 'another long password' };
  expect(await ensureFirstAdmin(runtimeWith({ firstAdmin: other }))).toBe(false);
  expect(await ensureFirstAdmin(runtimeWith({ firstAdmin: { ...firstAdmin, password: 'changed in the env' } }))).toBe(
    false,
  );
  expect(await users()).toEqual([before]);
});
