import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const remove = (id: string, headers = {}) => app.api.delete(`/api/customers/${id}`, headers);

describe('deleteCustomer', () => {
  test('204 and gone, its e-mail is free again', async () => {
    const { id, email } = await app.given.customer();
    expect((await remove(id)).status).toBe(204);
    expectRefusal(await app.api.get(`/api/customers/${id}`), 404, 'not_found');
    expectRefusal(await remove(id), 404, 'not_found');
    expect((await app.given.customer({ email })).id).not.toBe(id);
    const rows = await app.database.read('audit_log').where({ entity_id: id }).orderBy('id');
    expect(rows.map((row) => row.action)).toEqual(['createCustomer', 'deleteCustomer']);
  });

  test('409 conflict with a stale version, 204 with the present one', async () => {
    const { id } = await app.given.customer();
    expectRefusal(await remove(id, { 'If-Match': '"2"' }), 409, 'conflict', 'If-Match');
    expect((await remove(id, { 'If-Match': '"1"' })).status).toBe(204);
  });

  test('400 validation_error for a malformed If-Match', async () => {
    expectRefusal(await remove(UNKNOWN_ID, { 'If-Match': '1' }), 400, 'validation_error', 'If-Match');
  });

  test.each<[string, (customerId: string) => Promise<unknown>]>([
    ['an API key', (customerId) => app.given.apiKey({ customerId })],
    ['a user', (customerId) => app.given.portalSession(customerId)],
    ['a subscription', (customerId) => app.given.subscription({ customerId })],
    ['an invoice', (customerId) => app.given.invoice({ customerId })],
    ['a draft', (customerId) => app.given.invoice({ customerId, status: 'draft' })],
  ])('409 delete_conflict with %s', async (_, give) => {
    const { id } = await app.given.customer();
    await give(id);
    expectRefusal(await remove(id), 409, 'delete_conflict');
    expect((await app.api.get(`/api/customers/${id}`)).status).toBe(200);
  });

  test('204 or 409 but never an API key without customer, when both happen at once', async () => {
    for (let round = 0; round < 10; round++) {
      const { id: customerId } = await app.given.customer();
      const [gone, made] = await Promise.all([
        remove(customerId),
        app.api.post('/api/api-keys', { name: 'Race', customerId }),
      ]);
      if (gone!.status === 204) expectRefusal(made!, 404, 'not_found');
      else {
        expectRefusal(gone!, 409, 'delete_conflict');
        expect(made!.status).toBe(201);
      }
    }
  });

  test('400, 401, 403 and 404 as documented', async () => {
    expectRefusal(await remove('x'), 400, 'validation_error', 'id');
    expectRefusal(await remove(UNKNOWN_ID), 404, 'not_found');
    const { id } = await app.given.customer();
    expectRefusal(await app.anonymous.delete(`/api/customers/${id}`), 401, 'unauthorized');
    const session = await app.given.portalSession(id);
    expectRefusal(await app.withSession(session).delete(`/api/customers/${id}`), 403, 'forbidden');
  });
});

describe('v1DeleteCustomer', () => {
  test('204 for an operator key; 403 forbidden for a key with a customer or one that only reads; 401 without', async () => {
    const { id } = await app.given.customer();
    const path = `/api/v1/customers/${id}`;
    const operator = await app.given.apiKey();
    const reader = await app.given.apiKey({ access: 'read' });
    const own = await app.given.apiKey({ customerId: id });
    expectRefusal(await app.withKey(own.key).delete(path), 403, 'forbidden');
    expectRefusal(await app.withKey(reader.key).delete(path), 403, 'forbidden');
    expectRefusal(await app.anonymous.delete(path), 401, 'unauthorized');
    expectRefusal(await app.withKey(operator.key).delete(path), 409, 'delete_conflict');
    const other = await app.given.customer();
    expect((await app.withKey(operator.key).delete(`/api/v1/customers/${other.id}`)).status).toBe(204);
    expectRefusal(await app.withKey(operator.key).delete(`/api/v1/customers/${other.id}`), 404, 'not_found');
  });
});
