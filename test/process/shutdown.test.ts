import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { startServerProcess } from '../support/server-process.ts';

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
});
afterAll(() => place.drop());

const ADMIN = { ADMIN_EMAIL: 'first@rustbill.example', ADMIN_PASSWORD: 'correct horse battery' };

/** A login whose body is sent in two parts: the request is under way while the signal arrives. */
function slowLogin(origin: string): { finish(): void; status: Promise<number | undefined> } {
  const body = JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD });
  const call = request(`${origin}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': body.length },
  });
  const status = new Promise<number | undefined>((resolve, reject) => {
    call.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    call.once('error', reject);
  });
  call.write(body.slice(0, 10));
  return { finish: () => call.end(body.slice(10)), status };
}

describe('the process', () => {
  test('SIGTERM finishes the running request, takes no new ones, and exits with 0', async () => {
    const server = await startServerProcess(place.url, ADMIN);
    expect((await fetch(`${server.origin}/health`)).status).toBe(200);
    const running = slowLogin(server.origin);
    await new Promise((resolve) => setTimeout(resolve, 200));
    server.process.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await expect(fetch(`${server.origin}/health`)).rejects.toThrow();
    running.finish();
    expect(await running.status).toBe(200);
    expect(await server.ended).toBe(0);
  });

  test('a bad configuration stops it at once, with every problem', async () => {
    const started = startServerProcess(place.url, { SESSION_EXPIRY_DAYS: '0', LOG_LEVEL: 'loud', SECRET_KEY: 'short' });
    const message = await started.then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(message).toContain('ended with 1');
    for (const name of ['SESSION_EXPIRY_DAYS', 'LOG_LEVEL', 'SECRET_KEY']) expect(message).toContain(name);
  });

  test('the log holds no secret and no body', async () => {
    const server = await startServerProcess(place.url, ADMIN);
    await fetch(`${server.origin}/api/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': 'a-secret-header' },
      body: JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD }),
    });
    server.process.kill('SIGTERM');
    await server.ended;
    const log = server.output.join('\n');
    expect(log).toContain('"operationId":"login"');
    for (const secret of [ADMIN.ADMIN_PASSWORD, 'a-secret-header', 'session=']) expect(log).not.toContain(secret);
  });
});
