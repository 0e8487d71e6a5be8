import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

export type Log = Logger;

/** Structured log. Bodies, headers and SQL bindings are never logged: they hold secrets and personal data. */
export function createLog(config: Pick<Config, 'logLevel'>): Log {
  return pino({
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ['*.password', '*.secret', '*.key', '*.authorization', '*.cookie'], censor: '[redacted]' },
  });
}
