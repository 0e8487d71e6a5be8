import { conflict } from '../errors.ts';
import type { Context } from './operations.ts';

/** Compares If-Match with the version of the locked row (contract 1.10). Throws AppError `conflict`. */
export function checkVersion(context: Pick<Context, 'ifMatch'>, version: number): void {
  if (context.ifMatch !== undefined && context.ifMatch !== '*' && context.ifMatch !== version)
    throw conflict('The row has changed since it was read.', { 'If-Match': `the present version is "${version}"` });
}
