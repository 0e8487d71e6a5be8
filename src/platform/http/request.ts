import type { Request } from 'express';
import { AppError, invalid, notFound } from '../errors.ts';
import type { Runtime, WorkInfo } from '../work.ts';
import { hasControl } from './body.ts';
import type { Contract, Operation } from './contract.ts';
import type { Principal } from './principal.ts';
import { readQuery } from './query.ts';

const MAX_URL_LENGTH = 8192;
/** What a repeated query parameter becomes: nothing accepts an array. */
const REPEATED: readonly string[] = [];

/** Throws AppError `not_found`, and `method_not_allowed` with the methods of the path. */
export function findOperation(contract: Contract, req: Request): Operation {
  if (req.originalUrl.length > MAX_URL_LENGTH) throw invalid({ url: `must have at most ${MAX_URL_LENGTH} characters` });
  const hit = contract.find(pathOf(req));
  if (!hit) throw notFound('path');
  const method = req.method === 'HEAD' ? 'GET' : req.method;
  const operation = hit.operations.get(method);
  if (operation) return operation;
  const allow = [...hit.operations.keys()].flatMap((name) => (name === 'GET' ? ['GET', 'HEAD'] : [name])).join(', ');
  throw new AppError('method_not_allowed', `${req.method} is not possible here.`, { headers: { Allow: allow } });
}

const pathOf = (req: Request): string => {
  const at = req.originalUrl.indexOf('?');
  return at < 0 ? req.originalUrl : req.originalUrl.slice(0, at);
};

/** Path parameters decoded, query parameters as they are; a repeated one becomes an array. */
export function splitUrl(
  req: Request,
  contract: Contract,
): { path: Record<string, string>; query: Record<string, unknown> } {
  const query: Record<string, unknown> = Object.create(null);
  const at = req.originalUrl.indexOf('?');
  if (at >= 0)
    for (const [name, value] of readQuery(req.originalUrl.slice(at + 1))) {
      if (hasControl(name) || hasControl(value)) throw invalid({ [name]: 'must not contain control characters' });
      query[name] = name in query ? REPEATED : value;
    }
  return { path: contract.find(pathOf(req))!.params, query };
}

/** A header as one text. */
export function headerOf(req: Request, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Throws AppError `validation_error` for anything but a quoted version or `*` (contract 1.10). */
export function readIfMatch(header: string | undefined): number | '*' | undefined {
  if (header === undefined || header === '*') return header;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) throw invalid({ 'If-Match': 'must be a quoted version such as "3", or *' });
  return Number(version);
}

/** The id of the caller when it is well-formed, else a new one (contract 1.13). */
export function readRequestId(req: Request, runtime: Runtime): string {
  const given = headerOf(req, 'x-request-id');
  return given && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : runtime.newIdAt(runtime.clock.now());
}

/** Who acts, for the audit log. */
export function actorOf(principal: Principal): WorkInfo['actor'] {
  if (principal.kind === 'user') return { type: 'user', id: principal.userId };
  if (principal.kind === 'apiKey') return { type: 'api_key', id: principal.keyId };
  return { type: 'system', id: null };
}
