import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Runtime } from '../platform/work.ts';
import { nextTry, type Schedule, triesOf } from './schedule.ts';
import { type ClaimedRow, type Claims, claimDue, markDone, markFailed, type Queue } from './store.ts';

/** One way out of the server, with a table of its own. */
export interface Channel {
  /** For the log. */
  readonly name: string;
  readonly queue: Queue;
  readonly schedule: Schedule;
  /** A try is over by then, whatever the receiver does. */
  readonly longestMs: number;
  /** How long a claim keeps others away: longer than any try takes. */
  readonly leaseMs: number;
  /** Tries of one drain at the same time. */
  readonly atOnce: number;
  /**
   * Sends what the row is about, outside any transaction, and stops when the signal says so. Throws whatever went wrong:
   * Refused when trying again would change nothing, Postponed when the receiver names a wait.
   */
  send(claimed: ClaimedRow, signal: AbortSignal): Promise<void>;
  /** What of an error may be logged: neither the receiver nor its words, both can be personal. */
  logged?(error: unknown): Record<string, unknown>;
}

/** It will never be taken: trying again would change nothing. */
export class Refused extends Error {}

/** The receiver asks to be left alone for a while. */
export class Postponed extends Error {
  readonly askedMs: number;

  constructor(message: string, askedMs: number) {
    super(message);
    this.askedMs = askedMs;
  }
}

export interface Tally {
  sent: number;
  /** Tries that failed, to be repeated or not. */
  failed: number;
}

/** While a try hangs, what became due meanwhile is looked for this often. Milliseconds. */
const LOOK_AGAIN_MS = 1_000;
const ERROR_LENGTH = 500;

/**
 * Sends what is due in one channel, outside any transaction (rules X2): claim, send, note, a few at once; a slow one holds
 * up its own place only. Several processes share the work. Who dies between sending and noting sends once more when the
 * claim is over; that, too, is a try (rules E11).
 */
export async function drain(runtime: Runtime, channel: Channel, stopping = () => false): Promise<Tally> {
  const tally: Tally = { sent: 0, failed: 0 };
  const running = new Set<Promise<void>>();
  const broken: unknown[] = [];
  while (!stopping() && broken.length === 0) {
    const { claimed, givenUp } = await claimFree(runtime, channel, channel.atOnce - running.size);
    tally.failed += givenUp.length;
    for (const one of claimed) {
      const turn: Promise<void> = sendOne(runtime, channel, one)
        .then((sent) => {
          tally[sent ? 'sent' : 'failed'] += 1;
        })
        .catch((error: unknown) => void broken.push(error)) // the outcome could not be noted
        .finally(() => running.delete(turn));
      running.add(turn);
    }
    if (running.size === 0 && givenUp.length === 0) break;
    if (running.size > 0) await oneOf(running, running.size < channel.atOnce);
  }
  await Promise.all(running);
  for (const error of broken) throw error;
  return tally;
}

async function claimFree(runtime: Runtime, channel: Channel, atMost: number): Promise<Claims> {
  const { database, clock, log } = runtime;
  const limits = { tries: triesOf(channel.schedule), leaseMs: channel.leaseMs, atMost };
  const claims = await claimDue(database.write, channel.queue, clock.now(), limits);
  for (const id of claims.givenUp) log.warn({ channel: channel.name, id }, 'given up: its last try did not end');
  return claims;
}

/** One of them is over; or, when there is room for more, it is time to look again. */
async function oneOf(running: ReadonlySet<Promise<void>>, room: boolean): Promise<void> {
  const looking = new AbortController();
  const look = room ? [pause(LOOK_AGAIN_MS, undefined, { signal: looking.signal }).catch(() => {})] : [];
  await Promise.race([...running, ...look]);
  looking.abort();
}

async function sendOne(runtime: Runtime, channel: Channel, claimed: ClaimedRow): Promise<boolean> {
  const { database, clock, log } = runtime;
  const { id, attempts } = claimed;
  try {
    await withDeadline(channel.longestMs, (signal) => channel.send(claimed, signal));
  } catch (error) {
    const nextAt = isFinal(error) ? null : nextTry(channel.schedule, attempts, clock.now(), chance(), askedBy(error));
    log.warn({ channel: channel.name, id, attempts, nextAt, ...channel.logged?.(error) }, 'not sent');
    await markFailed(database.write, channel.queue, claimed, describe(error), nextAt);
    return false;
  }
  await markDone(database.write, channel.queue, id, clock.now());
  return true;
}

/** Ends with the signal at the latest, also when the work does not listen to it. */
async function withDeadline(ms: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const signal = AbortSignal.timeout(ms);
  const late = Promise.withResolvers<never>();
  const onLate = () => late.reject(new Error(`The try took longer than ${ms} ms.`));
  signal.addEventListener('abort', onLate);
  try {
    await Promise.race([work(signal), late.promise]);
  } finally {
    signal.removeEventListener('abort', onLate);
  }
}

const chance = (): number => randomInt(1_000_001) / 1_000_000;
const isFinal = (error: unknown): boolean => error instanceof Refused;
const askedBy = (error: unknown): number => (error instanceof Postponed ? error.askedMs : 0);
const describe = (error: unknown): string =>
  (error instanceof Error && error.message !== '' ? error.message : 'unknown error').slice(0, ERROR_LENGTH);
