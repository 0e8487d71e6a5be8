import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TestClock } from '../../src/platform/clock.ts';
import { createAnswerValidation } from '../../src/platform/http/validation.ts';
import { fromNewAddress } from '../accounts/support.ts';
import { type Answer, type Api, startApp, type TestApp } from '../support/app.ts';
import { BAD_TEXTS } from '../support/bad-values.ts';
import { contract, deref, type Op, operations } from '../support/document.ts';
import { mutated, mutations } from '../support/mutations.ts';
import { bodySchema, hasPathId, hasQuery, type Sent, send, twinId } from '../support/outcomes.ts';
import { VALID, type Worlds } from '../support/valid-requests.ts';

/** FUZZ_MS: how long each operation is tried, together with its v1 twin. FUZZ_SEED: where to begin. */
const TIME_MS = Number(process.env.FUZZ_MS ?? 250);
const SEED = Number(process.env.FUZZ_SEED ?? 20_260_315);

/** Tries as many values as the time allows. Each runs to its end: nothing is left behind that still writes. */
async function tryAll<T>(op: Op, values: fc.Arbitrary<T>, run: (value: T) => Promise<void>): Promise<void> {
  const twins = operations.filter(({ id }) => twinId(id) === twinId(op.id)).length;
  const end = performance.now() + TIME_MS / twins;
  const property = fc.asyncProperty(values, async (value) => {
    if (performance.now() < end) await run(value);
  });
  const seed = SEED + operations.indexOf(op); // twins begin elsewhere
  await fc.assert(property, { seed, numRuns: TIME_MS * 2, endOnFailure: true });
}

let worlds: Worlds;
let key: Api;
let countRows: () => Promise<Record<string, number>>;
beforeAll(async () => {
  const app = await startApp({ config: { trustProxy: 1 } });
  worlds = { app, moving: await startApp({ config: { testClock: true }, clock: new TestClock() }) };
  key = app.withKey((await app.given.apiKey()).key);
  countRows = await rowCounter(app);
});
afterAll(() => Promise.all([worlds.app.close(), worlds.moving.close()]));

/** Rows of every table but the one that counts failed logins. */
async function rowCounter({ database }: TestApp): Promise<() => Promise<Record<string, number>>> {
  const names: { name: string }[] =
    database.dialect === 'sqlite'
      ? await database.read('sqlite_master').where({ type: 'table' }).select('name')
      : await database.read('pg_tables').where({ schemaname: 'public' }).select('tablename as name');
  const tables = names.map(({ name }) => name).filter((name) => !/^sqlite_|^login_throttle$/.test(name));
  const sql = tables.map((name) => `SELECT '${name}' AS name, count(*) AS rows FROM ${name}`).join(' UNION ALL ');
  return async () => {
    const answer = await database.read.raw(sql);
    const rows: { name: string; rows: number }[] = answer.rows ?? answer;
    return Object.fromEntries(rows.map(({ name, rows: n }) => [name, Number(n)]));
  };
}

const checkBody = createAnswerValidation(contract);

/** A success, or a refusal in its proper form: never a failure of the server. */
function expectSound(op: Op, { status, text, body }: Answer): void {
  if (status >= 200 && status < 300) return;
  if (status < 400 || status >= 500) throw new Error(`${op.id} answered ${status}: ${text}`);
  expect(checkBody(op, status, body)).toBeUndefined();
  if (body.error === 'validation_error') expect([text, Object.keys(body.fields ?? {})]).not.toEqual([text, []]);
}

async function freshRequest(op: Op): Promise<Sent & { as: Api }> {
  const sent = await VALID[twinId(op.id)]!(worlds);
  return { ...sent, as: op.access.kind === 'apiKey' ? key : (sent.as ?? worlds.app.api) };
}

/** The valid body, and the examples of the document with the ids and the e-mail of the valid one. */
function basesOf(op: Op, valid: Record<string, unknown>): object[] {
  const own = Object.fromEntries(Object.entries(valid).filter(([name]) => /Id$|^email$/.test(name)));
  const examples = Object.values(op.body!.content['application/json']!.examples ?? {}).map(
    (example) => deref<{ value: object }>(example).value,
  );
  return [valid, ...examples.map((example) => ({ ...example, ...own })), Object.assign({}, ...examples, valid)];
}

const withBody = operations.filter((op) => bodySchema(op)).map((op) => [op.id, op] as const);
const withQuery = operations.filter(hasQuery).map((op) => [op.id, op] as const);

describe('bodies with something wrong', () => {
  test.each(withBody)('%s', async (_, op) => {
    let sent = await freshRequest(op);
    let before = await countRows();
    await tryAll(op, fc.tuple(fc.nat(4), mutations), async ([which, changes]) => {
      const bases = basesOf(op, sent.body as Record<string, unknown>);
      const body = mutated(bases[which % bases.length]!, changes);
      const answer = await send(op, sent.as, { ...sent, headers: fromNewAddress(), body });
      expectSound(op, answer);
      if (answer.status >= 400) return expect(await countRows()).toEqual(before);
      sent = await freshRequest(op);
      before = await countRows();
    });
  });
});

describe('query parameters with something wrong', () => {
  test.each(withQuery)('%s', async (_, op) => {
    const sent = await freshRequest(op);
    const names = op.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
    const pair = fc.tuple(fc.constantFrom(...names, 'unknown'), fc.oneof(fc.constantFrom(...BAD_TEXTS), fc.string()));
    await tryAll(op, fc.array(pair, { minLength: 1, maxLength: 4 }), async (pairs) => {
      const query = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join('&');
      expectSound(op, await send(op, sent.as, { ...sent, query }));
    });
  });
});

const withId = operations.filter(hasPathId);
/** The methods of a path, and its v1 twin, read the same id: every text is tried on one of them, each gets its share. */
function textsFor(op: Op): string[] {
  const template = (of: Op) => of.path.replace('/api/v1/', '/api/');
  const mates = withId.filter((other) => template(other) === template(op));
  return BAD_TEXTS.filter((_, i) => i % mates.length === mates.indexOf(op));
}

describe('paths with something wrong', () => {
  test.each(withId.map((op) => [op.id, op] as const))('%s', async (_, op) => {
    const sent = await freshRequest(op);
    for (const text of textsFor(op)) {
      const id = encodeURIComponent(text.toWellFormed()).slice(0, 2000);
      const answer = await send(op, sent.as, { ...sent, id });
      if (answer.status !== 404 && answer.status !== 405) expectSound(op, answer);
    }
  });
});

describe('after all that', () => {
  test.each(operations.filter((op) => op.method === 'GET' && !hasPathId(op)).map((op) => [op.id, op] as const))(
    '200 for %s: whatever was accepted can be shown',
    async (_, op) => {
      const sent = await freshRequest(op);
      expect((await send(op, sent.as, sent)).status).toBe(200);
    },
  );

  test('200 for the jobs, now and half a year later', async () => {
    const { app } = worlds;
    expect((await app.cron.post('/api/billing/cron/run')).status).toBe(200);
    app.clock.advance({ months: 6 });
    expect((await app.cron.post('/api/billing/cron/run')).status).toBe(200);
    await app.drain();
    expect((await app.api.get('/api/billing/invoices?limit=1000')).status).toBe(200);
    expect((await app.api.get('/api/billing/events?limit=1000')).status).toBe(200);
  });
});
