import { statSync } from 'node:fs';
import { unbounded } from '../bounds.ts';
import type { Snapshot } from './snapshot.ts';

export interface LogLimits {
  /** Size of the log above which it is worth a pause. */
  bytes: number;
  /** How long snapshots overlap before the size is looked at. */
  everyMs: number;
  /** The longest pause. */
  pauseMs: number;
}

export const LOG_BYTES = 64 * 1024 * 1024;
const LIMITS: LogLimits = { bytes: LOG_BYTES, everyMs: 1000, pauseMs: 250 };

/**
 * SQLite writes its log from the beginning again only when all of it is in the database file, which takes a moment
 * without readers. Under load snapshots overlap without end, and the log would grow without end: once it is long, new
 * snapshots wait until the running ones are over and `checkpoint` has run. A snapshot that outlasts the pause is let be.
 */
export function keepLogShort(
  snapshot: Snapshot,
  logFile: string,
  checkpoint: () => Promise<unknown>,
  limits: LogLimits = LIMITS,
): Snapshot {
  let open = 0;
  let overlappingSince = 0;
  let idle = () => {};
  let pause: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      idle = resolve;
      timer = setTimeout(resolve, limits.pauseMs);
      if (open === 0) resolve();
    });
    clearTimeout(timer);
    idle = () => {};
    if (open === 0) await checkpoint().catch(() => {}); // busy: another time
  };

  const enter = async (): Promise<void> => {
    const now = performance.now();
    if (open === 0 && !pause) overlappingSince = now;
    if (!pause && now - overlappingSince > limits.everyMs) {
      overlappingSince = now;
      if (sizeOf(logFile) > limits.bytes)
        pause = unbounded(drain).finally(() => {
          pause = undefined;
        });
    }
    await pause;
    open += 1;
  };

  return async (run) => {
    await enter();
    try {
      return await snapshot(run);
    } finally {
      open -= 1;
      if (open === 0) idle();
    }
  };
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
