import type { ErrorCode } from '../../src/platform/errors.ts';
import type { Answer, Api } from './app.ts';
import { deref, type Node, namesAnId, type Op } from './document.ts';

/** One request to an operation. `id` fills the path, `below` the second id of it, `query` follows the question mark. */
export interface Sent {
  id?: string;
  below?: string;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Who calls, where it is not the caller that the operation is made for. */
  as?: Api;
}

export function send(op: Op, api: Api, { id, below, query, body, headers }: Sent): Promise<Answer> {
  const path =
    op.path.replace(/\{(id|key)\}/, id ?? 'no-id').replace(/\{\w+\}/g, below ?? id ?? 'no-id') +
    (query ? `?${query}` : '');
  if (op.method === 'GET') return api.get(path, headers);
  if (op.method === 'DELETE') return api.delete(path, headers);
  return op.method === 'PUT' ? api.put(path, body, headers) : api.post(path, body, headers);
}

export const takes = (op: Op, header: string): boolean =>
  op.parameters.some((parameter) => parameter.in === 'header' && parameter.name === header);
export const hasQuery = (op: Op): boolean => op.parameters.some((parameter) => parameter.in === 'query');
export const hasPathId = (op: Op): boolean => op.path.includes('{');
export const bodySchema = (op: Op): Node | undefined => op.body?.content['application/json']?.schema;
/** v1GetProduct -> getProduct. */
export const twinId = (id: string): string => id.replace(/^v1(.)/, (_, letter: string) => letter.toLowerCase());

/** Its path names a licence by its key, of which 404 is `license_not_found`. */
export const namesALicense = (op: Op): boolean => op.path.includes('{key}');

/** Everybody with a session, or every key, may call it, and reading is not cross-site: nothing is left to forbid. */
export const forbidsNobody = (op: Op): boolean =>
  (op.method === 'GET' && op.auth === 'session') || op.auth === 'key r own';

/** Every error code that an operation can answer with, by its shape and by its own list (contract 1.8.3). */
export function codesOf(op: Op): ErrorCode[] {
  const codes = new Set<ErrorCode>(op.codes);
  const add = (when: boolean, ...more: ErrorCode[]) => {
    if (when) for (const code of more) codes.add(code);
  };
  const schema = bodySchema(op);
  const [word] = op.auth.split(' ');
  const known = word === 'admin' || word === 'session' || word === 'key';
  add(op.parameters.length > 0, 'validation_error');
  add(schema !== undefined, 'invalid_request', 'validation_error', 'payload_too_large', 'unsupported_media_type');
  add(word === 'admin' || word === 'session', 'unauthorized', 'session_expired', 'rate_limited');
  add(word === 'key', 'unauthorized', 'invalid_api_key', 'rate_limited');
  add(known && !forbidsNobody(op), 'forbidden');
  add(word === 'cron', 'invalid_cron_secret');
  add(hasPathId(op) && !namesALicense(op), 'not_found');
  for (const [name, member] of Object.entries(membersOf(schema)))
    add(namesAnId(member), ['planId', 'newPlanId', 'appliesTo'].includes(name) ? 'plan_not_found' : 'not_found');
  add(known && op.method === 'POST', 'idempotency_key_reused');
  add(known && op.method === 'POST' && op.transaction !== 'write', 'idempotency_in_progress');
  add(takes(op, 'If-Match'), 'conflict');
  return [...codes].sort();
}

function membersOf(schema: Node | undefined): Record<string, Node> {
  if (!schema) return {};
  const { properties, anyOf } = deref<{ properties?: Record<string, Node>; anyOf?: Node[] }>(schema);
  return properties ?? Object.assign({}, ...(anyOf ?? []).map(membersOf));
}
