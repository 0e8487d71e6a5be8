import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addMilliseconds } from '../../src/platform/calendar.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { UNKNOWN_ID } from '../support/refusals.ts';
import { auditOf, loggedIn } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** An admin who has made two active keys and an expired one. */
async function maker() {
  const user = await app.given.user();
  const session = await loggedIn(app, user.email);
  const create = async (body: object) => (await session.post('/api/api-keys', { name: 'K', ...body })).body;
  const keys = [await create({}), await create({ access: 'read' })];
  const expired = await create({ expiresAt: addMilliseconds(app.clock.now(), 1) });
  app.clock.advance({ ms: 1 });
  return { user, session, keys, expired };
}
const list = async (query: string) => (await app.api.get(`/api/api-keys?${query}`)).body;
const works = async ({ key }: { key: string }) => (await app.withKey(key).get('/api/v1/customers')).status;

describe('the keys of a user who is no admin any more', () => {
  test('go on when the user is demoted, and it is seen: on the key, in the list, in the audit log', async () => {
    const customer = await app.given.customer();
    const { user, keys } = await maker();
    expect(await list(`createdBy=${user.id}`)).toMatchObject(
      Array(3).fill({ createdBy: user.id, creatorStatus: 'admin' }),
    );
    await app.api.put(`/api/users/${user.id}`, { role: 'customer', customerId: customer.id });
    for (const key of keys) expect(await works(key)).toBe(200);
    expect(await list(`createdBy=${user.id}`)).toMatchObject(Array(3).fill({ creatorStatus: 'demoted' }));
    expect((await list('creatorStatus=demoted')).map(({ createdBy }: { createdBy: string }) => createdBy)).toEqual(
      Array(3).fill(user.id),
    );
    expect((await auditOf(app, user.id)).at(-1)).toMatchObject({
      action: 'updateUser',
      reason: 'active API keys of this user that go on: 2',
    });
  });

  test('go on when the user is deleted, and it is seen likewise', async () => {
    const { user, keys } = await maker();
    await app.api.delete(`/api/users/${user.id}`);
    for (const key of keys) expect(await works(key)).toBe(200);
    const deleted = await list('creatorStatus=deleted&status=active');
    expect(deleted).toMatchObject([
      { id: keys[1]!.id, createdBy: user.id, creatorStatus: 'deleted' },
      { id: keys[0]!.id, createdBy: user.id, creatorStatus: 'deleted' },
    ]);
    expect((await auditOf(app, user.id)).at(-1)).toMatchObject({
      action: 'deleteUser',
      reason: 'active API keys of this user that go on: 2',
    });
  });

  test('are not mentioned where there are none', async () => {
    const user = await app.given.user();
    await app.api.delete(`/api/users/${user.id}`);
    expect((await auditOf(app, user.id)).at(-1)).toMatchObject({ action: 'deleteUser', reason: null });
  });

  test('a page of the list goes on where it ended', async () => {
    const { user, keys, expired } = await maker();
    const first = await app.api.get(`/api/api-keys?createdBy=${user.id}&limit=2`);
    const next = /<([^>]+)>; rel="next"/.exec(String(first.headers.link))![1]!;
    const second = await app.api.get(next.replace(/^https?:\/\/[^/]+/, ''));
    const ids = [...first.body, ...second.body].map(({ id }: { id: string }) => id);
    expect(ids).toEqual([expired.id, keys[1]!.id, keys[0]!.id]);
  });
});

describe('POST /api/api-keys/revoke', () => {
  test('200 revokes all that one user has made, nobody else’s, with an audit row each', async () => {
    const { user, keys } = await maker();
    const other = await maker();
    await app.api.delete(`/api/users/${user.id}`);
    const answer = await app.api.post('/api/api-keys/revoke', { createdBy: user.id });
    expect([answer.status, answer.body]).toEqual([200, { revoked: 3 }]);
    for (const key of keys) {
      expect(await works(key)).toBe(401);
      expect((await auditOf(app, key.id)).at(-1)).toMatchObject({ action: 'revokeApiKeysOfUser' });
    }
    for (const key of other.keys) expect(await works(key)).toBe(200);
    expect((await app.api.post('/api/api-keys/revoke', { createdBy: user.id })).body).toEqual({ revoked: 0 });
    expect((await auditOf(app, keys[0]!.id)).filter(({ action }) => action === 'revokeApiKeysOfUser')).toHaveLength(1);
  });

  test('200 nothing for a user without keys; 404 for somebody unknown; 400 without or with a wrong id', async () => {
    const { id } = await app.given.user();
    expect((await app.api.post('/api/api-keys/revoke', { createdBy: id })).body).toEqual({ revoked: 0 });
    const unknown = await app.api.post('/api/api-keys/revoke', { createdBy: UNKNOWN_ID });
    expect([unknown.status, unknown.body.error]).toEqual([404, 'not_found']);
    for (const body of [{}, { createdBy: 'x' }, { createdBy: null }, { createdBy: UNKNOWN_ID, all: true }]) {
      const answer = await app.api.post('/api/api-keys/revoke', body);
      expect([answer.status, answer.body.error]).toEqual([400, 'validation_error']);
    }
  });

  test('401 without a session, 403 for a customer; a key is no session', async () => {
    const customer = await app.given.customer();
    const member = await app.given.user({ role: 'customer', customerId: customer.id });
    const { keys, user } = await maker();
    const body = { createdBy: user.id };
    expect((await app.anonymous.post('/api/api-keys/revoke', body)).status).toBe(401);
    expect((await app.withKey(keys[0]!.key).post('/api/api-keys/revoke', body)).status).toBe(401);
    expect((await (await loggedIn(app, member.email)).post('/api/api-keys/revoke', body)).status).toBe(403);
    expect(await works(keys[0]!)).toBe(200);
  });
});
