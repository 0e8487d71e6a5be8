import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { createApp } from '../../src/app.ts';
import { connect } from '../../src/platform/db/connect.ts';
import { createRuntime } from '../../src/runtime.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { startApp, type TestApp, testConfig } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe('GET /health', () => {
  test('200 without credentials', async () => {
    const answer = await app.anonymous.get('/health', { 'X-Request-Id': 'probe-1' });
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    expect(answer.headers['x-request-id']).toBe('probe-1');
  });

  test('405 method_not_allowed for a POST', async () => {
    const answer = await app.anonymous.post('/health');
    expect([answer.status, answer.body.error, answer.headers.allow]).toEqual([405, 'method_not_allowed', 'GET, HEAD']);
  });
});

describe('GET /ready', () => {
  test('200 when the database answers and is migrated', async () => {
    const answer = await app.anonymous.get('/ready');
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok', database: 'ok', migrations: 'ok' }]);
  });

  test('503 service_unavailable while migrations are missing; /health stays 200', async () => {
    const [last] = await app.database.read('schema_migrations').orderBy('name', 'desc').limit(1);
    await app.database.write('schema_migrations').where({ name: last.name }).delete();
    const answer = await app.anonymous.get('/ready');
    expect([answer.status, answer.body.error]).toEqual([503, 'service_unavailable']);
    expect(answer.body.fields).toEqual({ migrations: expect.any(String) });
    expect(answer.headers['retry-after']).toBeDefined();
    expect((await app.anonymous.get('/health')).status).toBe(200);
    await app.database.write('schema_migrations').insert(last);
    expect((await app.anonymous.get('/ready')).status).toBe(200);
  });
});

describe('while the database cannot be reached', () => {
  const database = connect('postgres://rustbill@127.0.0.1:1/nothing-listens-here');
  const server = request(createApp(createRuntime(testConfig, { database }), { validateAnswers: true }));
  afterAll(() => database.close());

  test('503 /ready says so', async () => {
    const { status, body } = await server.get('/ready');
    expect([status, body.error, body.fields]).toEqual([503, 'service_unavailable', { database: expect.any(String) }]);
  });

  test('200 /health and /metrics go on, without figures nobody could read', async () => {
    expect((await server.get('/health')).status).toBe(200);
    const { status, text } = await server.get('/metrics');
    expect(status).toBe(200);
    expect(text).toContain('http_requests_total');
    expect(text).not.toContain('events_unpositioned');
  });

  test('503 service_unavailable for what needs it, without internals', async () => {
    const { status, body } = await server.get('/api/users').set('Cookie', `session=${'A'.repeat(43)}`);
    expect([status, body.error]).toEqual([503, 'service_unavailable']);
    expect(body.message).not.toMatch(/ECONN|127\.0|postgres/);
  });
});

describe('GET /metrics', () => {
  test('200 with requests by operation and status, the process, and the business figures', async () => {
    await app.anonymous.get('/health');
    await app.anonymous.get('/api/users');
    await app.anonymous.get('/nowhere');
    const answer = await app.anonymous.get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = answer.text.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^http_requests_total\{operation="getHealth",status="200"\} \d+$/),
        expect.stringMatching(/^http_requests_total\{operation="listUsers",status="401"\} 1$/),
        expect.stringMatching(/^http_requests_total\{operation="unknown",status="404"\} 1$/),
        expect.stringMatching(/^http_request_duration_seconds_count\{operation="listUsers",status="401"\} 1$/),
        expect.stringMatching(/^process_resident_memory_bytes \d+/),
        'billing_periods_overdue 0',
        'billing_parked 0',
      ]),
    );
    expect(lines.some((line) => /^events_unpositioned \d+$/.test(line))).toBe(true);
  });

  test('200 counts events until they have their positions', async () => {
    await app.drain();
    await app.database.write('events').insert({
      id: 'evt_01JQX5M3372RRJ0DTE575KJ9N3',
      type: 'product.created',
      resource_type: 'product',
      resource_id: '01JQX5M3XSQ2KF6W2S40PQVTTQ',
      body: '{}',
      created_at: app.clock.now(),
    });
    expect((await app.anonymous.get('/metrics')).text).toContain('\nevents_unpositioned 1\n');
    await app.drain();
    expect((await app.anonymous.get('/metrics')).text).toContain('\nevents_unpositioned 0\n');
  });

  test('200 with the runs of jobs', async () => {
    createMetrics(app.runtime).observeJob('lifecycle', 'ok', 0.2);
    createMetrics(app.runtime).observeJob('lifecycle', 'failed', 0.1);
    const { text } = await app.anonymous.get('/metrics');
    expect(text).toContain('job_run_duration_seconds_count{job="lifecycle",outcome="ok"} 1');
    expect(text).toContain('job_run_duration_seconds_count{job="lifecycle",outcome="failed"} 1');
  });

  test('401 unauthorized without or with another token when one is configured', async () => {
    const metricsToken = 'a metrics token'.replaceAll(' ', '-');
    const closed = await startApp({ config: { metricsToken } });
    const status = async (headers?: Record<string, string>) => {
      const answer = await closed.anonymous.get('/metrics', headers);
      return [answer.status, answer.body.error];
    };
    expect(await status()).toEqual([401, 'unauthorized']);
    expect(await status({ Authorization: 'Bearer something-else' })).toEqual([401, 'unauthorized']);
    expect((await status({ Authorization: `Bearer ${metricsToken}` }))[0]).toBe(200);
    await closed.close();
  });
});

describe('the published document', () => {
  test('200 /openapi.json', async () => {
    const answer = await app.anonymous.get('/openapi.json');
    expect(answer.status).toBe(200);
    expect(answer.body.openapi).toMatch(/^3\.1\./);
    expect(answer.body.paths['/api/users'].get.operationId).toBe('listUsers');
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(answer.headers['cache-control']).toBe('no-cache');
    expect((await app.anonymous.get('/openapi.json')).headers.etag).toBe(answer.headers.etag);
  });

  test('200 /openapi.yaml', async () => {
    const answer = await app.anonymous.get('/openapi.yaml');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^application\/yaml/);
    expect(answer.headers.etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(answer.headers['cache-control']).toBe('no-cache');
  });
});
