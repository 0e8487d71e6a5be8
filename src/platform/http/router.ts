import type { Request, RequestHandler, Response } from 'express';
import { AppError, invalid } from '../errors.ts';
import type { Runtime } from '../work.ts';
import { type Answer, writeAnswer } from './answer.ts';
import { type Authentication, authenticate, checkSameSite } from './authentication.ts';
import { parseJson, readBytes } from './body.ts';
import type { Contract, Operation } from './contract.ts';
import { CALLER_GONE, CallerGone, untilDeadline } from './deadline.ts';
import { sendError } from './error-body.ts';
import { readClaim } from './idempotency.ts';
import { createJudge } from './judge.ts';
import { type Principal, scopeOf } from './principal.ts';
import type { Meter, RateLimits } from './rate-limits.ts';
import { actorOf, findOperation, headerOf, readIfMatch, readRequestId, splitUrl } from './request.ts';
import { type AnyHandler, type Call, createRunner } from './run-call.ts';
import { createAnswerValidation, createEngine, createRequestValidation, type Validate } from './validation.ts';

const REQUEST_LIMIT_MS = 30_000;

export type HandlerTable = Record<string, Record<string, AnyHandler>>;

export interface RouterOptions {
  runtime: Runtime;
  contract: Contract;
  handlers: HandlerTable;
  authentication: Authentication;
  rateLimits: RateLimits;
  /** Answers are checked against the contract before the commit: on in tests, off in production. */
  validateAnswers: boolean;
  /** At it a request is answered 503 and undone (contract 1.15). */
  requestLimitMs?: number;
  observe: (operationId: string, status: number, seconds: number) => void;
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
  const { runtime } = options;
  const handle = createHandle(options);
  return (req, res) => {
    const started = performance.now();
    const requestId = readRequestId(req, runtime);
    res.setHeader('X-Request-Id', requestId);
    if (req.path.startsWith('/api')) res.setHeader('Cache-Control', 'no-store');
    handle(req, res, requestId, started)
      .catch((error) => {
        if (error instanceof CallerGone) res.statusCode = CALLER_GONE;
        else sendError(error, req, res, requestId, runtime.log);
      })
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

interface Incoming {
  req: Request;
  res: Response;
  operation: Operation;
  requestId: string;
}

type Handle = (req: Request, res: Response, requestId: string, started: number) => Promise<void>;

/** Found, recognised, limited, read and validated, run, answered (contract §1). */
function createHandle(options: RouterOptions): Handle {
  const { runtime, contract } = options;
  const bound = bindHandlers(contract, options.handlers);
  const engine = createEngine(contract);
  const validatorOf = createRequestValidation(contract, engine);
  const judge = createJudge(contract, engine);
  const runCall = createRunner(runtime, options.validateAnswers ? createAnswerValidation(contract) : undefined);
  const limitMs = options.requestLimitMs ?? REQUEST_LIMIT_MS;
  const answer = async ({ req, res, operation, requestId }: Incoming, signal: AbortSignal): Promise<Answer> => {
    const now = runtime.clock.now();
    const principal = await authenticate(options.authentication, operation, req, now);
    checkSameSite(req, operation, runtime.config.publicUrl);
    const meter = await options.rateLimits.consume(operation, principal, req, res);
    const { bytes, input } = await readInput({ req, operation, contract, meter, validate: validatorOf(operation) });
    await options.rateLimits.consumeMember(operation, input.body, res);
    const call: Call = {
      operation,
      handler: bound.get(operation)!,
      input,
      url: req.originalUrl,
      claim: readClaim(
        headerOf(req, 'idempotency-key'),
        operation,
        req.originalUrl,
        bytes,
        principal,
        options.runtime.vault,
      ),
      info: { actor: actorOf(principal), action: operation.id, requestId, ip: req.ip ?? null, now },
      context: { ...readContext(req, operation, principal, options.authentication), judge, signal },
    };
    const answered = await runCall(call);
    meter.answer(answered.body.length);
    return answered;
  };
  return async (req, res, requestId, started) => {
    if (isPreflight(req, res)) return answerPreflight(res);
    const operation = findOperation(contract, req);
    res.locals.operationId = operation.id;
    const incoming = { req, res, operation, requestId };
    const left = started + limitMs - performance.now();
    writeAnswer(res, await untilDeadline(operation, res, left, (signal) => answer(incoming, signal)));
  };
}

interface Unread {
  req: Request;
  operation: Operation;
  contract: Contract;
  meter: Meter;
  validate: Validate;
}

/** Throws AppError `invalid_request`, `validation_error`, `payload_too_large`, `unsupported_media_type`, `rate_limited`. */
async function readInput({ req, operation, contract, meter, validate }: Unread) {
  const bytes = operation.hasBody ? await readBytes(req, operation.bodyLimit) : undefined;
  if (bytes) await meter.body(bytes.length);
  const body = bytes && parseJson(bytes, req.headers['content-type'], contract.untrimmed, operation);
  const { path, query } = splitUrl(req, contract);
  if (operation.hasBody && body === undefined) throw new AppError('invalid_request', 'A JSON body is required.');
  const fields = validate({ path, query, headers: req.headers, body });
  if (fields?._ && body !== undefined) throw new AppError('invalid_request', `The body ${fields._}.`);
  if (fields) throw invalid(fields);
  return { bytes, input: { path, query, body } };
}

const readContext = (
  req: Request,
  operation: Operation,
  principal: Principal,
  authentication: Authentication,
): Omit<Call['context'], 'judge' | 'signal'> => ({
  principal,
  scope: scopeOf(principal),
  ifMatch: operation.ifMatch ? readIfMatch(headerOf(req, 'if-match')) : undefined,
  userAgent: headerOf(req, 'user-agent')?.slice(0, 255) ?? null,
  sessionToken: authentication.sessionToken(req),
  v1: operation.path.startsWith('/api/v1/'),
});

/** Of a path that browsers of some or any origin may call: the headers for them are set by then. */
const isPreflight = (req: Request, res: Response): boolean =>
  req.method === 'OPTIONS' && (req.path.startsWith('/api/v1/') || res.getHeader('Access-Control-Allow-Origin') === '*');

/** The CORS headers are set already; a preflight asks no further (contract 1.14). */
function answerPreflight(res: Response): void {
  res.statusCode = 204;
  res.end();
}
