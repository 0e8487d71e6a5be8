import type { Instant } from './calendar.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Database, Db } from './db/connect.ts';
import type { IdFactory } from './ids.ts';
import type { Log } from './log.ts';
import type { Vault } from './secrets.ts';

export type ActorType = 'user' | 'api_key' | 'system' | 'provider' | 'cli';
export interface Actor {
  type: ActorType;
  id: string | null;
}

/** A fact to tell the outside world; stored in the commit that made it true (rules E1). */
export interface NewEvent {
  type: string;
  customerId: string | null;
  resourceType: string;
  resourceId: string;
  data: Record<string, unknown>;
}

/** Who changed what (rules H8). `changes` holds `[before, after]` of each changed member, never a secret. */
export interface AuditEntry {
  entityType: string;
  entityId: string;
  changes?: Record<string, [unknown, unknown]> | undefined;
  reason?: string | undefined;
}

/**
 * What features ask of those above them, or tell them. Each declares its own here by declaration merging; `src/hooks.ts`
 * lists who answers.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the features
export interface Hooks {}

/** What the process is made of; created once in main.ts and in each test. */
export interface Runtime {
  config: Config;
  database: Database;
  clock: Clock;
  newIdAt: IdFactory;
  vault: Vault;
  log: Log;
  /** Counters of this process for /metrics, by name; raised after the commit of what they count. */
  tally: Map<string, number>;
  hooks: Hooks;
  /** Called with the collected events and audit entries as the last step before each commit. */
  beforeCommit: (work: Work) => Promise<void>;
  /** Called after each commit that wrote events. */
  eventsCommitted: () => void;
  /** What the process ends with, the database aside: threads. */
  atClose: (() => Promise<void>)[];
}

/** One unit of work: everything in it becomes visible together, or nothing does (rules X1). */
export interface Work {
  readonly db: Db;
  readonly now: Instant;
  readonly newId: () => string;
  readonly actor: Actor;
  /** The operationId or job that does the work. */
  readonly action: string;
  readonly requestId: string | null;
  readonly ip: string | null;
  readonly runtime: Runtime;
  readonly events: NewEvent[];
  readonly audits: AuditEntry[];
  emit(event: NewEvent): void;
  audit(entry: AuditEntry): void;
  /** Runs `task` as one of the last steps before the commit: what was collected in memory is written, and nobody forgets it. */
  beforeCommit(task: () => Promise<void>): void;
  /** Runs `task` once the commit has happened; it must not be needed for correctness. */
  afterCommit(task: () => void): void;
}

export interface WorkInfo {
  actor: Actor;
  action: string;
  requestId?: string | null;
  ip?: string | null;
  now?: Instant;
}

/** What a unit of work puts off until its end. */
interface PutOff {
  beforeCommit: (() => Promise<void>)[];
  afterCommit: (() => void)[];
}

/** Runs `run` in one write transaction, writes what it collected, events and audit rows last, commits, then tells the sequencer. */
export async function inTransaction<T>(runtime: Runtime, info: WorkInfo, run: (work: Work) => Promise<T>): Promise<T> {
  const { value, work, tasks } = await runtime.database.transaction(async (db) => {
    const putOff: PutOff = { beforeCommit: [], afterCommit: [] };
    const work = createWork(runtime, info, db, putOff);
    const value = await run(work);
    for (const task of putOff.beforeCommit) await task();
    await runtime.beforeCommit(work);
    return { value, work, tasks: putOff.afterCommit };
  });
  if (work.events.length > 0) afterwards(runtime, () => runtime.eventsCommitted());
  for (const task of tasks) afterwards(runtime, task);
  return value;
}

/** What is committed stays so, whatever happens after it: a failure is told in the log only. */
function afterwards({ log }: Runtime, task: () => void): void {
  try {
    task();
  } catch (err) {
    log.error({ err }, 'what was to be done after a commit failed');
  }
}

/** A unit of work on an open handle; used by inTransaction, and by reads, which collect nothing. */
export function createWork(runtime: Runtime, info: WorkInfo, db: Db, putOff?: PutOff): Work {
  const now = info.now ?? runtime.clock.now();
  const events: NewEvent[] = [];
  const audits: AuditEntry[] = [];
  return {
    db,
    now,
    newId: () => runtime.newIdAt(now),
    actor: info.actor,
    action: info.action,
    requestId: info.requestId ?? null,
    ip: info.ip ?? null,
    runtime,
    events,
    audits,
    emit: (event) => void events.push(event),
    audit: (entry) => void audits.push(entry),
    beforeCommit: (task) => void putOff?.beforeCommit.push(task),
    afterCommit: (task) => void putOff?.afterCommit.push(task),
  };
}

/** Raises a counter of this process once the work is committed. */
export function tally(work: Work, name: string, by: number): void {
  const counters = work.runtime.tally;
  if (by > 0) work.afterCommit(() => void counters.set(name, (counters.get(name) ?? 0) + by));
}
