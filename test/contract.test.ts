import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestClock } from '../src/platform/clock.ts';
import { AppError, type ErrorCode } from '../src/platform/errors.ts';
import { createAnswerValidation } from '../src/platform/http/validation.ts';
import { type Answer, type Api, startApp, type TestApp } from './support/app.ts';
import { contract, type Op, operations } from './support/document.ts';
import { codesOf, forbidsNobody, type Sent, send, twinId } from './support/outcomes.ts';
import { BY_STATE } from './support/refused-by-state.ts';
import { callerOf, type Make, type Refusers, refusedByShape } from './support/refused-requests.ts';
import { AGAIN, VALID } from './support/valid-requests.ts';

/**
 * The contract test: every operation gives every status that the document lists, and every error code that the
 * contract names for it, to a real request; and no request of this file is answered with anything else.
 */
const mail = {
  host: '127.0.0.1',
  port: 9,
  secure: false,
  requireTls: false,
  auth: undefined,
  ca: undefined,
  from: 'billing@rustbill.example',
};
let refusers: Refusers;
let apps: TestApp[];
beforeAll(async () => {
  const app = await startApp({ config: { mail } });
  const moving = await startApp({ config: { testClock: true }, clock: new TestClock() });
  const small = await startApp({ config: { metricsToken: 'a-metrics-token' } });
  const unready = await startApp();
  const limited = await startApp({
    config: { rateLimits: true },
    app: { perMinute: { session: 2, apiKey: 1, address: 2, member: 2 } },
  });
  apps = [app, moving, small, unready, limited];
  const expired = app.withSession(app.admin.token);
  app.clock.advance({ days: 8 });
  const customerId = (await app.given.customer()).id;
  const key = async (of: TestApp, over = {}) => of.withKey((await of.given.apiKey(over)).key);
  await unready.database.write('schema_migrations').delete();
  refusers = {
    app,
    moving,
    small,
    unready,
    expired,
    operator: await key(app),
    ownKey: await key(app, { customerId }),
    readKey: await key(app, { access: 'read' }),
    portal: app.withSession(await app.given.portalSession(customerId)),
    limited: { session: limited.api, key: await key(limited), anonymous: limited.anonymous },
  };
});
afterAll(() => Promise.all(apps.map((app) => app.close())));

const exercised = new Map<string, Set<string>>(operations.map((op) => [op.id, new Set()]));
const checkBody = createAnswerValidation(contract);

/** Sends the request and notes its status. Fails when the document does not list it. */
async function exercise(op: Op, sent: Sent): Promise<Answer> {
  const answer = await send(op, sent.as ?? callerOf(op, refusers), sent);
  const status = String(answer.status);
  const listed = op.answers.map(([one]) => one).filter((one) => one !== 'default');
  if (!listed.includes(status)) throw new Error(`${op.id} answered ${status}, which it does not list: ${answer.text}`);
  exercised.get(op.id)!.add(status);
  expect(answer.headers['x-request-id']).toMatch(/^[0-9A-Z]{26}$/);
  return answer;
}

async function expectRefused(op: Op, code: ErrorCode, make: Make): Promise<void> {
  const answer = await exercise(op, await make(refusers));
  expect({ status: answer.status, error: answer.body.error }).toEqual({
    status: new AppError(code, '').status,
    error: code,
  });
  expect(checkBody(op, answer.status, answer.body)).toBeUndefined();
  expect(answer.body.requestId).toBe(answer.headers['x-request-id']);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  if (code === 'validation_error') expect(Object.keys(answer.body.fields)).not.toEqual([]);
  if (answer.status === 429 || answer.status === 503 || code === 'idempotency_in_progress')
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
}

describe.each(operations.map((op) => [op.id, op] as const))('%s', (id, op) => {
  test(`${op.status} as the document says`, async () => {
    const sent = await VALID[twinId(id)]!(refusers);
    const { as, ...request } = sent;
    const api: Api = id.startsWith('v1') || !as ? callerOf(op, refusers) : as;
    const answer = await exercise(op, { ...request, as: api });
    expect(answer.status).toBe(op.status);
    expectHeaders(op, answer);
    if (op.location) expect((await api.get(answer.headers.location!)).status).toBe(200);
    if (op.status === 204) expect(answer.text).toBe('');
  });

  const state = BY_STATE.filter(([operation]) => operation === id || operation === twinId(id));
  for (const code of codesOf(op)) {
    const makes = [...refusedByShape(op, code), ...state.filter(([, one]) => one === code).map(([, , make]) => make)];
    test(`${new AppError(code, '').status} ${code}`, async () => {
      if (makes.length === 0) throw new Error(`nothing makes ${id} answer ${code}`);
      for (const make of makes) await expectRefused(op, code, make);
    });
  }

  const again = AGAIN[twinId(id)];
  if (again)
    test('200 for what is known already', async () => {
      const answer = await exercise(op, { ...(await again(refusers)), as: callerOf(op, refusers) });
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('location');
    });

  test('every listed status was given', () => {
    const listed = op.answers.map(([status]) => status).filter((status) => status !== 'default');
    const missing = listed.filter((status) => !exercised.get(id)!.has(status));
    expect([id, missing]).toEqual([id, forbidsNobody(op) ? ['403'] : []]);
  });
});

function expectHeaders(op: Op, { headers, body }: Answer): void {
  const [, listed] = op.successes[0]!;
  const names = Object.keys(listed.headers ?? {});
  if (listed.content)
    expect(Object.keys(listed.content)).toContain(String(headers['content-type']).replace('; charset=utf-8', ''));
  if (op.path.startsWith('/api')) expect(headers['cache-control']).toBe('no-store');
  expect('location' in headers).toBe(names.includes('Location'));
  expect('etag' in headers).toBe(names.includes('ETag'));
  if (op.etag) expect(headers.etag).toBe(`"${body.version}"`);
}

test('no request is kept for an operation or a code that is not in the contract', () => {
  const ids = new Map(operations.map((op) => [op.id, codesOf(op) as string[]]));
  expect(Object.keys(VALID).filter((id) => !ids.has(id))).toEqual([]);
  expect(BY_STATE.filter(([id, code]) => !ids.get(id)?.includes(code)).map(([id, code]) => `${id} ${code}`)).toEqual(
    [],
  );
});
