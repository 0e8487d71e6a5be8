import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const OWN = 'http://localhost:3001';
const ALLOWED: Record<string, string>[] = [
  {},
  { 'Sec-Fetch-Site': 'same-origin', Origin: OWN },
  { 'Sec-Fetch-Site': 'none' },
  { Origin: OWN },
];
const REFUSED: Record<string, string>[] = [
  { 'Sec-Fetch-Site': 'cross-site' },
  { 'Sec-Fetch-Site': 'same-site' },
  { 'Sec-Fetch-Site': 'cross-site', Origin: OWN },
  { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.example' },
  { Origin: 'https://evil.example' },
  { Origin: 'null' },
  { Origin: 'https://localhost:3001' },
  { Origin: 'http://localhost:3002' },
];

describe('mutations with the session cookie (contract 1.11)', () => {
  test.each(REFUSED)('403 forbidden with %j, and nothing happens', async (headers) => {
    const { email, password } = app.admin;
    const body = { name: 'Made by another site', email: 'evil@acme.example', role: 'admin' };
    const answers = [
      await app.api.post('/api/users', body, headers),
      await app.api.put('/api/settings/billing', { companyName: 'Evil Inc' }, headers),
      await app.api.delete('/api/users/01JQX5M3MXX7N3TA9P3VB8KFHX', headers),
      await app.anonymous.post('/api/auth/login', { email, password }, headers),
      await app.api.post('/api/auth/logout', undefined, headers),
    ];
    for (const answer of answers) expect([answer.status, answer.body.error]).toEqual([403, 'forbidden']);
    expect(answers.every((answer) => answer.headers['set-cookie'] === undefined)).toBe(true);
    expect((await app.api.get('/api/users')).text).not.toContain('evil@acme.example');
  });

  test.each(ALLOWED)('200 with %j', async (headers) => {
    const { email, password } = app.admin;
    expect((await app.api.put('/api/settings/billing', { companyName: 'Acme' }, headers)).status).toBe(200);
    expect((await app.anonymous.post('/api/auth/login', { email, password }, headers)).status).toBe(200);
    expect((await app.anonymous.post('/api/auth/logout', undefined, headers)).status).toBe(200);
  });

  test.each(REFUSED)('200 for reading with %j', async (headers) => {
    expect((await app.api.get('/api/users', headers)).status).toBe(200);
  });

  test('201 for an API key from another origin: it is no cookie', async () => {
    const { key } = await app.given.apiKey();
    const body = { name: 'Acme Corp', email: 'cors@acme.example' };
    const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://shop.example' };
    expect((await app.withKey(key).post('/api/v1/customers', body, headers)).status).toBe(201);
  });
});
