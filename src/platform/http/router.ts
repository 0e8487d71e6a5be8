import type { Request, RequestHandler, Response } from 'express';
import { isRetryable, isTransactionConflict } from '../db/errors.ts';
import { AppError, invalid, notFound } from '../errors.ts';
import { createWork, inTransaction, type Runtime, type Work, type WorkInfo } from '../work.ts';
import { type Answer, serialise, writeAnswer } from './answer.ts';
import { type Authentication, authenticate, checkSameSite } from './authentication.ts';
import { parseJson, readBytes } from './body.ts';
import type { Contract, Operation } from './contract.ts';
import { sendError } from './error-body.ts';
import {
  claimKey,
  type IdempotencyClaim,
  readClaim,
  releaseKey,
  type StoredAnswer,
  storeAnswer,
} from './idempotency.ts';
import type { Context } from './operations.ts';
import { type Principal, scopeOf } from './principal.ts';
import type { RateLimits } from './rate-limits.ts';
import { createAnswerValidation, createRequestValidation, type Validate } from './validation.ts';

const MAX_URL_LENGTH = 8192;
const REQUEST_LIMIT_MS = 30_000;
const ATTEMPTS = 3;

type AnyHandler = (input: Record<string, unknown>, context: Context) => Promise<unknown>;
export type HandlerTable = Record<string, Record<string, AnyHandler>>;

export interface RouterOptions {
  runtime: Runtime;
  contract: Contract;
  handlers: HandlerTable;
  authentication: Authentication;
  rateLimits: RateLimits;
  /** Answers are checked against the contract before the commit: on in tests, off in production. */
  validateAnswers: boolean;
  observe: (operationId: string, status: number, seconds: number) => void;
}

interface Call {
  operation: Operation;
  handler: AnyHandler;
  principal: Principal;
  input: Record<string, unknown>;
  context: Omit<Context, keyof Work | 'transaction'>;
  info: WorkInfo;
  claim: IdempotencyClaim | undefined;
  url: string;
  deadline: number;
}

/** Refuses to start when an operation has no handler, or a handler no operation. */
export function bindHandlers(contract: Contract, handlers: HandlerTable): Map<Operation, AnyHandler> {
  const bound = new Map<Operation, AnyHandler>();
  const problems: string[] = [];
  for (const operation of contract.operations) {
    const handler = handlers[operation.tag]?.[operation.id];
    if (handler) bound.set(operation, handler);
    else problems.push(`no handler for operation ${operation.tag}.${operation.id}`);
  }
  const known = new Set(contract.operations.map((operation) => `${operation.tag}.${operation.id}`));
  for (const [tag, table] of Object.entries(handlers))
    for (const id of Object.keys(table))
      if (!known.has(`${tag}.${id}`)) problems.push(`handler ${tag}.${id} is not in the contract`);
  if (problems.length > 0) throw new Error(`The handlers do not fit the contract: ${problems.join('; ')}`);
  return bound;
}

/** The whole path of a request after Express's own middleware (docs/ARCHITECTURE.md). */
export function createRouter(options: RouterOptions): RequestHandler {
  const { runtime, contract } = options;
  const bound = bindHandlers(contract, options.handlers);
  const validatorOf = createRequestValidation(contract);
  const checkAnswer = options.validateAnswers ? createAnswerValidation(contract) : undefined;

  async function handle(req: Request, res: Response, requestId: string, started: number): Promise<Operation> {
    const operation = findOperation(contract, req);
    res.locals.operationId = operation.id;
    const now = runtime.clock.now();
    const principal = await authenticate(options.authentication, operation, req, now);
    checkSameSite(req, operation, runtime.config.publicUrl);
    await options.rateLimits.consume(operation, principal, req, res);
    const call = await readCall(req, res, operation, principal, bound.get(operation)!, validatorOf(operation), {
      requestId,
      now,
      deadline: started + REQUEST_LIMIT_MS,
    });
    const answer = await runCall(call);
    writeAnswer(res, answer);
    return operation;
  }

  async function readCall(
    req: Request,
    res: Response,
    operation: Operation,
    principal: Principal,
    handler: AnyHandler,
    validate: Validate,
    at: { requestId: string; now: string; deadline: number },
  ): Promise<Call> {
    const bytes = operation.hasBody ? await readBytes(req, res) : undefined;
    const body = bytes && parseJson(bytes, req.headers['content-type'], contract.untrimmed);
    const { path, query } = splitUrl(req, contract);
    if (operation.hasBody && body === undefined) throw new AppError('invalid_request', 'A JSON body is required.');
    const fields = validate({ path, query, headers: req.headers, body });
    if (fields?._ && body !== undefined) throw new AppError('invalid_request', `The body ${fields._}.`);
    if (fields) throw invalid(fields);
    return {
      operation,
      handler,
      principal,
      input: { path, query, body },
      url: req.originalUrl,
      deadline: at.deadline,
      claim: readClaim(headerOf(req, 'idempotency-key'), operation, req.originalUrl, bytes, principal),
      info: {
        actor: actorOf(principal),
        action: operation.id,
        requestId: at.requestId,
        ip: req.ip ?? null,
        now: at.now,
      },
      context: {
        principal,
        scope: scopeOf(principal),
        ifMatch: readIfMatch(headerOf(req, 'if-match')),
        userAgent: headerOf(req, 'user-agent')?.slice(0, 255) ?? null,
        sessionToken: options.authentication.sessionToken(req),
        v1: operation.path.startsWith('/api/v1/'),
      },
    };
  }

  async function runCall(call: Call): Promise<Answer> {
    const { operation, info } = call;
    const invoke = (work: Work): Promise<unknown> =>
      call.handler(call.input, Object.assign(work, call.context, { transaction }) as Context);
    const transaction = <T>(run: (context: Context) => Promise<T>): Promise<T> =>
      inTransaction(runtime, info, (work) => run(Object.assign(work, call.context, { transaction }) as Context));
    const finish = (result: unknown): Answer => {
      const answer = serialise(operation, result, call.url);
      const problem = checkAnswer?.(operation, answer.status, answer.json);
      if (problem) throw new Error(`${operation.id} answers outside the contract: ${problem}`);
      if (operation.access.kind !== 'cron' && performance.now() > call.deadline)
        throw new AppError('service_unavailable', 'The request took too long and was undone.', {
          headers: { 'Retry-After': '5' },
        });
      return answer;
    };
    if (operation.method === 'GET') return finish(await invoke(createWork(runtime, info, runtime.database.read)));
    if (operation.manual) {
      const run = async () => finish(await invoke(createWork(runtime, info, runtime.database.read)));
      return call.claim ? runClaimed(call.claim, call, run) : run();
    }
    return withRetry(() =>
      inTransaction(runtime, info, async (work) => {
        const claim = call.claim;
        const replay = claim && (await claimKey(work.db, claim, work.now, runtime.vault));
        if (replay) return replayed(replay);
        const answer = finish(await invoke(work));
        if (claim)
          await storeAnswer(work.db, claim, textOf(answer), operation.secretAnswer ? runtime.vault : undefined);
        return answer;
      }),
    );
  }

  /** The key is claimed, and the answer stored, in commits of their own around the operation's (rules X5). */
  async function runClaimed(claim: IdempotencyClaim, call: Call, run: () => Promise<Answer>): Promise<Answer> {
    const { database, vault } = runtime;
    const now = call.info.now!;
    const replay = await database.transaction((db) => claimKey(db, claim, now, vault, true));
    if (replay) return replayed(replay);
    try {
      const answer = await run();
      const secret = call.operation.secretAnswer ? vault : undefined;
      await database.transaction((db) => storeAnswer(db, claim, textOf(answer), secret));
      return answer;
    } catch (error) {
      await database.transaction((db) => releaseKey(db, claim));
      throw error;
    }
  }

  return (req, res) => {
    const started = performance.now();
    const requestId = readRequestId(req, runtime);
    res.setHeader('X-Request-Id', requestId);
    if (req.path.startsWith('/api')) res.setHeader('Cache-Control', 'no-store');
    handle(req, res, requestId, started)
      .catch((error) => void sendError(error, req, res, requestId, runtime.log))
      .finally(() => {
        const operationId: string = res.locals.operationId ?? 'unknown';
        const seconds = (performance.now() - started) / 1000;
        options.observe(operationId, res.statusCode, seconds);
        runtime.log.info(
          { requestId, operationId, status: res.statusCode, ms: Math.round(seconds * 1e4) / 10 },
          'request',
        );
      });
  };
}

/** Answers to a POST are text: JSON or nothing. */
const textOf = ({ status, headers, body }: Answer): StoredAnswer => ({ status, headers, body: body as string });

const replayed = (answer: StoredAnswer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'Idempotent-Replayed': 'true' },
  json: undefined,
});

/** Deadlocks and serialization failures are undone completely, so the same work may be done again. */
async function withRetry<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isRetryable(error) || !isTransactionConflict(error)) throw error;
    }
  }
}

function findOperation(contract: Contract, req: Request): Operation {
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

function splitUrl(req: Request, contract: Contract): { path: Record<string, string>; query: Record<string, unknown> } {
  const query: Record<string, unknown> = Object.create(null);
  const at = req.originalUrl.indexOf('?');
  if (at >= 0)
    for (const [name, value] of new URLSearchParams(req.originalUrl.slice(at + 1)))
      query[name] = name in query ? [query[name], value].flat() : value;
  return { path: contract.find(pathOf(req))!.params, query };
}

function headerOf(req: Request, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function readIfMatch(header: string | undefined): number | '*' | undefined {
  if (header === undefined || header === '*') return header;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (version === undefined) throw invalid({ 'If-Match': 'must be a quoted version such as "3", or *' });
  return Number(version);
}

function readRequestId(req: Request, runtime: Runtime): string {
  const given = headerOf(req, 'x-request-id');
  return given && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : runtime.newIdAt(runtime.clock.now());
}

function actorOf(principal: Principal): WorkInfo['actor'] {
  if (principal.kind === 'user') return { type: 'user', id: principal.userId };
  if (principal.kind === 'apiKey') return { type: 'api_key', id: principal.keyId };
  return { type: 'system', id: null };
}
