import { AsyncLocalStorage } from 'node:async_hooks';
import { AppError } from './errors.ts';

/**
 * What bounds the work of a request or a job (docs/adr/0029): once `signal` fires, its statements end with their
 * connections, and none of it begins another one.
 */
export interface Bounds {
  readonly signal: AbortSignal;
  /** Torn down when the signal fires: statements on their way. */
  readonly running: Set<() => void>;
  /** Shared by the bounds inside: whether a COMMIT was sent, after which nobody can call the work undone. */
  readonly sent: { commit: boolean };
  /** How long one statement may take, when it is not the usual time. */
  readonly statementMs?: number | undefined;
  /** Told of each statement that has come to its end. */
  readonly alive?: (() => void) | undefined;
}

const current = new AsyncLocalStorage<Bounds>();

/** The bounds that the caller runs in; none at start, in the command line and in tests of single functions. */
export const currentBounds = (): Bounds | undefined => current.getStore();

/** Runs `run` outside the bounds of its caller: what a request causes but does not wait for. */
export const unbounded = <T>(run: () => T): T => current.exit(run);

/**
 * Runs `run` bounded by `signal`, and by the bounds around. Rejects with the reason of the signal as soon as that
 * fires, also when `run` never comes back; what it does later can reach no database.
 */
export function boundedBy<T>(
  signal: AbortSignal,
  run: (bounds: Bounds) => Promise<T>,
  more: Partial<Pick<Bounds, 'sent' | 'statementMs' | 'alive'>> = {},
): Promise<T> {
  const outer = currentBounds();
  const both = outer ? AbortSignal.any([outer.signal, signal]) : signal;
  const bounds: Bounds = { sent: { commit: false }, ...outer, ...more, signal: both, running: new Set() };
  const tearDown = () => {
    for (const end of bounds.running) end();
  };
  both.addEventListener('abort', tearDown, { once: true });
  return current
    .run(bounds, () => untilEnd(bounds, () => run(bounds)))
    .finally(() => both.removeEventListener('abort', tearDown));
}

/** Bounded by a time of its own. Throws AppError `service_unavailable`, or what `reason` says, past it. */
export async function within<T>(
  ms: number,
  run: (bounds: Bounds) => Promise<T>,
  reason: () => Error = () => tooLong('It took too long.'),
): Promise<T> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(reason()), ms);
  try {
    return await boundedBy(ended.signal, run);
  } finally {
    clearTimeout(timer);
  }
}

/** The outcome of `run`, or the reason of the end of the bounds, whichever comes first. */
export async function untilEnd<T>(bounds: Bounds | undefined, run: () => Promise<T>): Promise<T> {
  if (!bounds) return run();
  const { signal, running } = bounds;
  signal.throwIfAborted();
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(signal.reason);
  running.add(end);
  try {
    return await Promise.race([run(), ended.promise]);
  } finally {
    running.delete(end);
  }
}

export const tooLong = (message: string): AppError =>
  new AppError('service_unavailable', message, { headers: { 'Retry-After': '5' } });
