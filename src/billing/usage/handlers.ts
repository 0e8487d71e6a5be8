import type { UsageEvent as Shown, UsageBatchItem, UsageBatchResult } from '../../../generated/types.gen.ts';
import type { Db } from '../../platform/db/connect.ts';
import { formatDecimal } from '../../platform/decimal.ts';
import { AppError, type Fields, notFound } from '../../platform/errors.ts';
import { type Handlers, reply } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { checkRange } from '../../platform/ranges.ts';
import { findSubscription, lockSubscriptions } from '../subscriptions/store/subscriptions.ts';
import { lockForUsage, markDirty, rowsToRateAgain } from '../subscriptions/usage/rows.ts';
import { invoicesOfEvents } from './billed-by.ts';
import { type Outcome, recordItems } from './record.ts';
import * as store from './store.ts';
import { summarise } from './summary.ts';
import type { UsageEvent } from './usage-event.ts';

type Tag = Handlers<'usage'>;

const listUsage: Tag['listUsage'] = async ({ query }, { db, scope }) => {
  const filter = { ...query, ...checkRange(query) };
  const read = (step: PageRequest) => store.listEvents(db, scope, filter, step);
  const page = await readPage('usage', query, { keyOf: ({ id }) => id, read });
  const invoices = await invoicesOfEvents(
    db,
    page.rows.map(({ id }) => id),
  );
  return paged(page, (event) => present(event, invoices));
};

const recordUsage: Tag['recordUsage'] = async ({ body }, context) => {
  const batch = Array.isArray(body);
  const outcomes = await recordItems(context, batch ? body : [body]);
  const accepted = outcomes.filter(({ status }) => status === 'accepted');
  const [first] = accepted;
  if (first && 'id' in first) {
    const reason = batch ? `${accepted.length} usage events` : undefined;
    context.audit({ entityType: 'usage_event', entityId: first.id, reason });
  }
  const status = accepted.length > 0 ? 201 : 200;
  if (batch) return reply(status, batchResult(outcomes));
  const [outcome] = outcomes;
  if ('error' in outcome!) throw outcome.error;
  return reply(status, await presentOne(context.db, outcome!.id));
};

const getUsageSummary: Tag['getUsageSummary'] = async ({ path, query }, { db, scope }) => {
  const range = checkRange(query);
  const sub = await findSubscription(db, scope, path.subscriptionId);
  if (!sub) throw notFound('subscription');
  return summarise(db, sub, range);
};

/** Operators only. The period of the event is rated again when it was billed (rules U6). */
const voidUsageEvent: Tag['voidUsageEvent'] = async ({ path }, context) => {
  const { db, now } = context;
  const event = await store.findEvent(db, path.id);
  if (!event) throw notFound('usage event');
  const [sub] = await lockSubscriptions(db, [event.subscriptionId]);
  if (await store.voidEvent(db, event.id, now)) {
    const { periods } = (await lockForUsage(db, null, [event.subscriptionId], event.timestamp)).get(sub!.id)!;
    const rows = rowsToRateAgain(periods, event.metric, event.timestamp);
    await markDirty(
      db,
      rows.map(({ id }) => id),
      [sub!],
    );
    context.audit({ entityType: 'usage_event', entityId: event.id, changes: { voidedAt: [null, now] } });
  }
  return presentOne(db, event.id);
};

export const usage: Tag = {
  listUsage,
  recordUsage,
  getUsageSummary,
  voidUsageEvent,
  v1ListUsage: listUsage,
  v1RecordUsage: recordUsage,
  v1GetUsageSummary: getUsageSummary,
  v1VoidUsageEvent: voidUsageEvent,
};

/** Throws AppError `validation_error` with the same members when every item was refused (rules U2). */
function batchResult(outcomes: Outcome[]): UsageBatchResult {
  const count = (status: Outcome['status']) => outcomes.filter((one) => one.status === status).length;
  const counts = {
    accepted: count('accepted'),
    duplicate: count('duplicate'),
    conflict: count('conflict'),
    rejected: count('rejected'),
  };
  const result = { ...counts, results: outcomes.map(presentOutcome) };
  if (counts.accepted + counts.duplicate > 0) return result;
  throw new AppError('validation_error', `None of the ${outcomes.length} events was taken.`, {
    fields: Object.assign({}, ...outcomes.map(fieldsOf)),
    batch: result,
  });
}

/** What is wrong with the members of an item, or with the item, by its place in the body. */
function fieldsOf(outcome: Outcome, index: number): Fields {
  if (!('error' in outcome)) return {};
  const { fields, message } = outcome.error;
  if (!fields) return { [index]: message };
  return Object.fromEntries(Object.entries(fields).map(([path, problem]) => [`${index}.${path}`, problem]));
}

const presentOutcome = (outcome: Outcome, index: number): UsageBatchItem => {
  if ('id' in outcome) return { index, status: outcome.status, id: outcome.id };
  const { code, message, fields } = outcome.error;
  return { index, status: outcome.status, error: { error: code, message, ...(fields ? { fields } : {}) } };
};

async function presentOne(db: Db, id: string): Promise<Shown> {
  const event = await store.findEvent(db, id);
  if (!event) throw notFound('usage event');
  return present(event, await invoicesOfEvents(db, [id]));
}

const present = (event: UsageEvent, invoices: ReadonlyMap<string, string>): Shown => ({
  id: event.id,
  subscriptionId: event.subscriptionId,
  metricName: event.metric,
  value: formatDecimal(event.value),
  timestamp: event.timestamp,
  idempotencyKey: event.idempotencyKey,
  properties: event.properties,
  invoiceId: invoices.get(event.id) ?? null,
  voidedAt: event.voidedAt,
  createdAt: event.createdAt,
});
