import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { loggedIn } from './support.ts';

let app: TestApp;
let me: { id: string };
let customerId: string;
beforeAll(async () => {
  app = await startApp();
  me = (await app.api.get('/api/auth/me')).body.user;
  customerId = (await app.given.customer()).id;
});
afterAll(() => app.close());

const admins = async () => (await app.database.read('users').where({ role: 'admin' })).length;

test('409 conflict when the last admin would be demoted', async () => {
  expect(await admins()).toBe(1);
  const answer = await app.api.put(`/api/users/${me.id}`, { role: 'customer', customerId });
  expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
  expect((await app.api.get('/api/auth/me')).body.user.role).toBe('admin');
});

test('one of two admins who delete each other at once stays', async () => {
  for (let round = 0; round < 3; round++) {
    const other = await app.given.user();
    const session = await loggedIn(app, other.email);
    const answers = await Promise.all([
      app.api.delete(`/api/users/${other.id}`),
      session.put(`/api/users/${me.id}`, { role: 'customer', customerId }),
    ]);
    expect(await admins()).toBe(1);
    const [deleted, demoted] = answers.map((answer) => answer.status);
    // the slower one finds itself the last admin, or its session ended before it was let in
    expect([
      [204, 401],
      [204, 409],
      [409, 200],
      [401, 200],
    ]).toContainEqual([deleted, demoted]);
    if (demoted === 200) return;
  }
});
