import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { UNKNOWN_ID } from '../support/refusals.ts';
import { auditOf, loggedIn } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const code = (answer: { status: number; body: { error?: string } }) => [answer.status, answer.body.error];

describe('DELETE /api/users/{id}', () => {
  test('204 ends the sessions; the e-mail is free again', async () => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    expect((await app.api.delete(`/api/users/${user.id}`)).status).toBe(204);
    expect(code(await session.get('/api/auth/me'))).toEqual([401, 'unauthorized']);
    expect(code(await app.api.delete(`/api/users/${user.id}`))).toEqual([404, 'not_found']);
    expect((await auditOf(app, user.id)).at(-1)).toMatchObject({ action: 'deleteUser' });
    await app.given.user({ email: user.email });
  });

  test('409 conflict for oneself', async () => {
    const me = (await app.api.get('/api/auth/me')).body.user;
    expect(code(await app.api.delete(`/api/users/${me.id}`))).toEqual([409, 'conflict']);
    expect((await app.api.get('/api/auth/me')).status).toBe(200);
  });

  test('404 not_found and 400 for ids', async () => {
    expect(code(await app.api.delete(`/api/users/${UNKNOWN_ID}`))).toEqual([404, 'not_found']);
    expect(code(await app.api.delete('/api/users/x'))).toEqual([400, 'validation_error']);
  });
});
