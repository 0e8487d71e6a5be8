import type { ErrorCode } from '../../src/platform/errors.ts';
import type { Api, TestApp } from './app.ts';
import type { Op } from './document.ts';
import { bodySchema, hasPathId, hasQuery, namesALicense, type Sent, send, takes, twinId } from './outcomes.ts';
import { UNKNOWN_ID } from './refusals.ts';
import { unique, VALID, type Worlds } from './valid-requests.ts';

/** The callers and servers that refusals need. */
export interface Refusers extends Worlds {
  operator: Api;
  ownKey: Api;
  readKey: Api;
  portal: Api;
  expired: Api;
  /** At most two requests per minute and caller. */
  limited: { session: Api; key: Api; anonymous: Api };
  /** METRICS_TOKEN set, and only one admin. */
  small: TestApp;
  /** A migration is missing. */
  unready: TestApp;
}
export type Make = (refusers: Refusers) => Promise<Sent>;

const JSON_TYPE = { 'Content-Type': 'application/json' };
const isKey = (op: Op): boolean => op.access.kind === 'apiKey';
const isOpen = (op: Op): boolean => op.access.kind === 'none' || op.access.kind === 'metrics';
const validOf = (op: Op, refusers: Refusers): Promise<Sent> => VALID[twinId(op.id)]!(refusers);

/** A caller without requests left. They are spent each time anew: on a slow machine the tests take longer than the minute. */
async function spent(op: Op, { limited }: Refusers): Promise<Api> {
  const [api, path] = isKey(op) ? [limited.key, '/api/v1/products'] : [limited.session, '/api/auth/me'];
  for (let i = 0; i < 2; i++) await api.get(path);
  return api;
}

/** What follows from the shape of an operation alone (contract 1.8.3). */
export function refusedByShape(op: Op, code: ErrorCode): Make[] {
  const own = async (refusers: Refusers): Promise<Sent> => ({
    ...(await validOf(op, refusers)),
    as: callerOf(op, refusers),
  });
  const unknown = op.tag === 'events' ? `evt_${UNKNOWN_ID}` : UNKNOWN_ID;
  const plain = { id: unknown, ...(bodySchema(op) ? { body: {} } : {}) };
  const by: Partial<Record<ErrorCode, Make[]>> = {
    unauthorized: isOpen(op) ? [] : [async ({ app }) => ({ ...plain, as: app.anonymous })],
    session_expired: [async ({ expired }) => ({ ...plain, as: expired })],
    invalid_api_key: [async ({ app }) => ({ ...plain, as: app.withKey('rb_live_unknown') })],
    invalid_cron_secret: [async ({ app }) => ({ as: app.anonymous })],
    forbidden: forbidden(op, plain),
    license_not_found: namesALicense(op)
      ? [async (refusers) => ({ ...(await own(refusers)), id: 'NOBODY-HAS-THIS' })]
      : [],
    rate_limited: isOpen(op)
      ? checkedTooOften(op)
      : [async (refusers) => ({ ...plain, as: await spent(op, refusers) })],
    invalid_request: ['', '{', '[]', '"text"', 'null'].map((body) => async () => ({
      ...plain,
      body,
      headers: JSON_TYPE,
    })),
    unsupported_media_type: [async () => ({ ...plain, body: 'a=b', headers: { 'Content-Type': 'text/plain' } })],
    payload_too_large: [async () => ({ ...plain, body: { text: 'x'.repeat(1_048_576) } })],
    validation_error: invalid(op, plain),
    not_found:
      hasPathId(op) && !namesALicense(op) ? [async (refusers) => ({ ...(await own(refusers)), id: unknown })] : [],
    conflict: takes(op, 'If-Match')
      ? [async (refusers) => ({ ...(await own(refusers)), headers: { 'If-Match': '"999"' } })]
      : [],
    idempotency_key_reused: [(refusers) => reusedKey(op, refusers)],
  };
  return by[code] ?? [];
}

export const callerOf = (op: Op, { app, operator }: Refusers): Api => {
  if (isKey(op)) return operator;
  if (isOpen(op)) return app.anonymous;
  return op.access.kind === 'cron' ? app.cron : app.api;
};

function forbidden(op: Op, plain: Sent): Make[] {
  const makes: Make[] = [];
  const { access, method } = op;
  if (access.kind === 'session' && access.role === 'admin')
    makes.push(async ({ portal }) => ({ ...plain, as: portal }));
  if (access.kind === 'session' && method !== 'GET')
    makes.push(async () => ({ ...plain, headers: { 'Sec-Fetch-Site': 'cross-site' } }));
  if (access.kind === 'apiKey' && access.access === 'write')
    makes.push(async ({ readKey }) => ({ ...plain, as: readKey }));
  if (access.kind === 'apiKey' && access.scope === 'op') makes.push(async ({ ownKey }) => ({ ...plain, as: ownKey }));
  return makes;
}

function invalid(op: Op, plain: Sent): Make[] {
  const makes: Make[] = [];
  if (bodySchema(op)) makes.push(async () => ({ ...plain, body: { nobodyKnowsThis: 1 } }));
  if (hasPathId(op)) makes.push(async () => ({ ...plain, id: 'not_an_id' }));
  if (hasQuery(op)) makes.push(async () => ({ ...plain, query: 'nobodyKnowsThis=1' }));
  for (const [name, value] of [
    ['If-Match', 'no version'],
    ['Idempotency-Key', 'x'.repeat(256)],
  ] as const)
    if (takes(op, name)) makes.push(async () => ({ ...plain, headers: { [name]: value } }));
  return makes;
}

/** Of an operation that limits callers without credentials: by their address, whatever they ask. */
const checkedTooOften = (op: Op): Make[] =>
  op.limitedBy === undefined
    ? []
    : [
        async ({ limited: { anonymous } }) => {
          const body = { [op.limitedBy!]: 'NOBODY-HAS-THIS', deviceId: 'x' };
          for (let i = 0; i < 2; i++) await anonymous.post('/api/licenses/validate', body);
          return { as: anonymous, body };
        },
      ];

/** The key is used for a request that succeeds, then for one of other bytes, or of another path. */
async function reusedKey(op: Op, refusers: Refusers): Promise<Sent> {
  const headers = { 'Idempotency-Key': unique() };
  if (!bodySchema(op) && !hasPathId(op)) return elsewhere(op, refusers, headers);
  const first: Sent = { ...(await validOf(op, refusers)), headers };
  const answer = await send(op, first.as ?? callerOf(op, refusers), first);
  if (answer.status !== op.status) throw new Error(`${op.id} answered ${answer.status}: ${answer.text}`);
  if (first.body === undefined) return { ...first, id: UNKNOWN_ID };
  return { ...first, body: `${JSON.stringify(first.body)} `, headers: { ...headers, ...JSON_TYPE } };
}

/** An operation without any input cannot be repeated otherwise: the key was used for another one. */
async function elsewhere(op: Op, refusers: Refusers, headers: Record<string, string>): Promise<Sent> {
  const path = isKey(op) ? '/api/v1/customers' : '/api/customers';
  const body = { name: 'Acme', email: `${unique()}@acme.example` };
  const answer = await callerOf(op, refusers).post(path, body, headers);
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return { headers };
}
