import type { UsageEventCreate } from '../../../generated/types.gen.ts';
import { AppError, refuse } from '../../platform/errors.ts';
import type { Context } from '../../platform/http/operations.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { loadBillingSettings } from '../../settings/store.ts';
import { authorityOf } from '../subscriptions/operations/authority.ts';
import type { Subscription } from '../subscriptions/subscription.ts';
import { lockForUsage, markDirty, rowsToRateAgain, type UsageSubscription } from '../subscriptions/usage/rows.ts';
import { judgeEvent, type Limits, limitsAt, type Place } from './judge.ts';
import { findByKeys, insertEvents, type KnownKey, type NewUsageEvent } from './store.ts';
import { readEvent, type SentEvent, uniqueValueOf } from './usage-event.ts';

/** What became of one item; the words of the contract (rules U2). */
export type Outcome =
  | { status: 'accepted' | 'duplicate'; id: string }
  | { status: 'conflict' | 'rejected'; error: AppError };

/** A well-formed item: its key is known already, or nothing speaks against it and it is stored. */
type Item = { event: SentEvent; known: KnownKey; fresh?: undefined } | { event: SentEvent; fresh: Fresh };
interface Fresh {
  stored: NewUsageEvent;
  place: Place;
}
type Subs = ReadonlyMap<string, UsageSubscription>;

const keyOf = ({ subscriptionId, idempotencyKey }: SentEvent): string => `${subscriptionId} ${idempotencyKey}`;

/**
 * Judges each item alone and in order, and stores the accepted ones (rules U1..U3, U6). The number of statements does
 * not depend on the number of items.
 */
export async function recordItems(context: Context, items: readonly unknown[]): Promise<Outcome[]> {
  const { db, scope, now } = context;
  const limits = limitsAt(now, await loadBillingSettings(db, context.runtime.config));
  const read = await readItems(context, items);
  const events = read.filter((one): one is SentEvent => !(one instanceof AppError));
  const subs = await lockForUsage(db, scope, [...new Set(events.map((one) => one.subscriptionId))], limits.oldest);
  const known = await findKeys(
    context,
    events.filter((one) => subs.has(one.subscriptionId)),
  );
  const judged = read.map((one) => (one instanceof AppError ? one : judge(context, one, subs, known, limits)));
  const fresh = judged.flatMap((one) => (one instanceof AppError || !one.fresh ? [] : [one.fresh]));
  const taken = await store(context, fresh);
  await planRating(context, subs, fresh, taken);
  return judged.map((one) => outcomeOf(one, taken));
}

/** Items that are validated before other requests are let in. */
const AT_ONCE = 50;

async function readItems(context: Context, items: readonly unknown[]): Promise<(SentEvent | AppError)[]> {
  const read: (SentEvent | AppError)[] = [];
  for (const [i, item] of items.entries()) {
    if (i > 0 && i % AT_ONCE === 0) await breathe();
    read.push(readItem(context, item));
  }
  return read;
}

function readItem({ judge: validate, now }: Context, item: unknown): SentEvent | AppError {
  const { value, fields } = validate('UsageEventCreate', item);
  if (fields) return new AppError('validation_error', 'Validation failed', { fields });
  return orError(() => readEvent(value as UsageEventCreate, now));
}

/** An item with a key that an earlier one was accepted with, here or before, is not judged again (rules U2). */
function judge(
  { newId, scope }: Context,
  event: SentEvent,
  subs: Subs,
  known: Map<string, KnownKey>,
  limits: Limits,
): Item | AppError {
  const stored = event.idempotencyKey === null ? undefined : known.get(keyOf(event));
  if (stored) return { event, known: stored };
  const place = orError(() => judgeEvent(event, subs.get(event.subscriptionId), limits, scope));
  if (place instanceof AppError) return place;
  const uniqueValue = uniqueValueOf(event.properties, place.metric.uniqueProperty);
  const fresh: Fresh = { stored: { ...event, timestamp: place.at, id: newId(), uniqueValue }, place };
  if (event.idempotencyKey !== null) known.set(keyOf(event), fresh.stored);
  return { event, fresh };
}

function orError<T>(run: () => T): T | AppError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** The keys of these events that are taken, with the events that took them. */
function findKeys({ db, scope }: Context, events: readonly SentEvent[]): Promise<Map<string, KnownKey>> {
  const keyed = new Map(events.filter((one) => one.idempotencyKey !== null).map((one) => [keyOf(one), one]));
  return findByKeys(
    db,
    authorityOf(scope),
    [...keyed.values()].map(({ subscriptionId, idempotencyKey }) => ({ subscriptionId, key: idempotencyKey! })),
  );
}

/** Stores the events; answers those whose key another request took meanwhile, by id, with what it stored (rules X4). */
async function store(context: Context, fresh: readonly Fresh[]): Promise<Map<string, KnownKey>> {
  const events = fresh.map(({ stored }) => stored);
  const count = await insertEvents(context.db, authorityOf(context.scope), events, context.now);
  const taken = new Map<string, KnownKey>();
  if (count === events.length) return taken;
  const holders = await findKeys(context, events);
  for (const event of events) {
    const holder = event.idempotencyKey === null ? undefined : holders.get(keyOf(event));
    if (holder && holder.id !== event.id) taken.set(event.id, holder);
  }
  return taken;
}

/** What falls into a period billed already is rated again (rules U6). */
async function planRating(
  { db }: Context,
  subs: Subs,
  fresh: readonly Fresh[],
  taken: ReadonlyMap<string, KnownKey>,
): Promise<void> {
  const rows = new Set<string>();
  const ended = new Set<Subscription>();
  for (const { stored } of fresh) {
    if (taken.has(stored.id)) continue;
    const { sub, periods } = subs.get(stored.subscriptionId)!;
    const late = rowsToRateAgain(periods, stored.metric, stored.timestamp);
    for (const { id, dirty } of late) if (!dirty) rows.add(id);
    if (late.length > 0 && sub.status === 'canceled') ended.add(sub);
  }
  await markDirty(db, rows, [...ended]);
}

function outcomeOf(one: Item | AppError, taken: ReadonlyMap<string, KnownKey>): Outcome {
  if (one instanceof AppError) return { status: 'rejected', error: one };
  const mine = one.fresh ? one.fresh.stored : one.known;
  const holder = taken.get(mine.id);
  if (one.fresh && !holder) return { status: 'accepted', id: mine.id };
  const { id, payloadHash } = holder ?? mine;
  if (payloadHash === one.event.payloadHash) return { status: 'duplicate', id };
  const message = 'The idempotency key was used for an event with other content.';
  return { status: 'conflict', error: refuse('idempotency_key_reused', message) };
}
