import type { ErrorRequestHandler, Request, Response } from 'express';
import { isDatabaseError, isRetryable } from '../db/errors.ts';
import { AppError, type ErrorCode, type Fields, notFound } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Runtime } from '../work.ts';
import { readRequestId } from './request.ts';

export interface ErrorBody {
  error: ErrorCode;
  message: string;
  fields?: Fields;
  batch?: object;
  requestId: string;
}

/** Any thrown thing -> the refusal it stands for. Internals never reach the caller, only the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isRetryable(error))
    return new AppError('service_unavailable', 'The server is busy. Try again.', { headers: { 'Retry-After': '1' } });
  if (isDatabaseError(error)) return new AppError('database_error', 'The database refused the request.');
  return new AppError('internal_error', 'Something went wrong on our side.');
}

/** The only place that writes an error answer (contract 1.8.1). */
export function sendError(error: unknown, req: Request, res: Response, requestId: string, log: Log): AppError {
  const refusal = toAppError(error);
  if (refusal.status >= 500) log.error({ requestId, method: req.method, path: req.path, err: error }, refusal.code);
  if (res.headersSent) {
    res.destroy();
    return refusal;
  }
  const body: ErrorBody = { error: refusal.code, message: refusal.message, requestId };
  if (refusal.fields) body.fields = refusal.fields;
  if (refusal.batch) body.batch = refusal.batch;
  for (const [name, value] of Object.entries(refusal.headers ?? {})) res.setHeader(name, value);
  res.statusCode = refusal.status;
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  res.end(JSON.stringify(body));
  return refusal;
}

/** What Express itself refuses: a path that is not valid percent-encoding names nothing. */
export function expressErrors(runtime: Runtime): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const requestId = readRequestId(req, runtime);
    res.setHeader('X-Request-Id', requestId);
    sendError(error instanceof URIError ? notFound('path') : error, req, res, requestId, runtime.log);
  };
}
