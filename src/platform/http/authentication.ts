import { parseCookie } from 'cookie';
import type { Request } from 'express';
import type { Instant } from '../calendar.ts';
import { AppError } from '../errors.ts';
import { sameSecret } from '../secrets.ts';
import type { Operation } from './contract.ts';
import type { Principal } from './principal.ts';

/** How callers are recognised; the features behind it are given by createApp. */
export interface Authentication {
  /** Throws AppError `unauthorized`, `session_expired`. */
  session(token: string, now: Instant): Promise<Principal>;
  /** Throws AppError `invalid_api_key`. */
  apiKey(key: string, now: Instant): Promise<Principal>;
  sessionToken(req: Request): string | undefined;
  cronSecret: string | undefined;
  metricsToken: string | undefined;
}

const ANONYMOUS: Principal = { kind: 'anonymous' };

export const sessionTokenOf = (req: Request): string | undefined =>
  req.headers.cookie ? parseCookie(req.headers.cookie).session : undefined;

/** Recognises the caller as the contract's Auth column demands; whatever is not allowed is refused. */
export async function authenticate(
  authentication: Authentication,
  operation: Operation,
  req: Request,
  now: Instant,
): Promise<Principal> {
  const { access } = operation;
  switch (access.kind) {
    case 'none':
      return ANONYMOUS;
    case 'session': {
      const token = authentication.sessionToken(req);
      if (!token) throw new AppError('unauthorized', 'Log in first.');
      const principal = await authentication.session(token, now);
      if (access.role === 'admin' && !(principal.kind === 'user' && principal.role === 'admin'))
        throw new AppError('forbidden', 'This needs the role admin.');
      return principal;
    }
    case 'apiKey': {
      const key = bearer(req);
      if (!key) throw new AppError('unauthorized', 'Send an API key as a Bearer token.');
      const principal = await authentication.apiKey(key, now);
      checkKey(principal, access);
      return principal;
    }
    case 'cron':
      checkCron(authentication.cronSecret, req.headers['x-cron-secret']);
      return { kind: 'cron' };
    case 'metrics':
      if (authentication.metricsToken && !sameSecret(bearer(req) ?? '', authentication.metricsToken))
        throw new AppError('unauthorized', 'Send the metrics token as a Bearer token.');
      return ANONYMOUS;
  }
}

function checkKey(principal: Principal, access: { access: 'read' | 'write'; scope: 'own' | 'op' }): void {
  if (principal.kind !== 'apiKey') throw new AppError('forbidden', 'This needs an API key.');
  if (access.access === 'write' && principal.access !== 'write')
    throw new AppError('forbidden', 'This API key may only read.');
  if (access.scope === 'op' && principal.customerId !== null)
    throw new AppError('forbidden', 'This needs an API key without a customer.');
}

function checkCron(secret: string | undefined, given: string | string[] | undefined): void {
  if (!secret || typeof given !== 'string' || !sameSecret(given, secret))
    throw new AppError('invalid_cron_secret', 'The cron secret is missing or wrong.');
}

const bearer = (req: Request): string | undefined => /^Bearer ([^\s]+)$/i.exec(req.headers.authorization ?? '')?.[1];

/** Cross-site protection of cookie mutations, login and logout included (contract 1.11). */
export function checkSameSite(req: Request, operation: Operation, publicOrigin: string): void {
  if (operation.method === 'GET') return;
  if (operation.access.kind !== 'session' && operation.tag !== 'auth') return;
  const site = req.headers['sec-fetch-site'];
  const origin = req.headers.origin;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') refuseCrossSite();
  if (origin !== undefined && origin !== publicOrigin) refuseCrossSite();
}

function refuseCrossSite(): never {
  throw new AppError('forbidden', 'This request comes from another site.');
}
