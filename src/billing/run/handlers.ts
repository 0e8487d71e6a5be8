import { AppError, conflict, notFound } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { openBilling } from '../billing.ts';
import { performAllDue } from '../subscriptions/operations/catch-up.ts';
import { readOutcomes } from '../subscriptions/store/load.ts';
import {
  findParked,
  findUnresolvedParked,
  listParked,
  type ParkedItem,
  resolveParked,
} from '../subscriptions/store/parked.ts';
import { lockSubscriptions } from '../subscriptions/store/subscriptions.ts';
import { parkSubscription } from './lifecycle.ts';

export const parked: Pick<Handlers<'coverage'>, 'listParked' | 'retryParked'> = {
  async listParked({ query }, { db }) {
    const read = (step: PageRequest) => listParked(db, query.customerId, step);
    return paged(await readPage('parked', query, { keyOf: ({ id }) => id, read }), present);
  },

  async retryParked({ path }, context) {
    const item = await findParked(context.runtime.database.read, path.id);
    if (!item) throw notFound('parked item');
    if (item.resolvedAt) return present(item);
    const failure = await context
      .transaction((work) => retry(work, item))
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    if (failure) await refuseRetry(context, item, failure);
    return present((await findParked(context.runtime.database.read, path.id))!);
  },
};

/** Runs the billing of the parked subscription now and resolves the row, in one commit (contract 2.30). */
async function retry(work: Context, item: ParkedItem): Promise<void> {
  const [sub] = await lockSubscriptions(work.db, [item.subscriptionId]);
  if (!sub) throw notFound('subscription');
  const [outcome] = await readOutcomes(work, [sub]);
  await performAllDue(await openBilling(work), outcome!);
  await resolveParked(work.db, item.id, work.now);
  work.audit({ entityType: 'subscription', entityId: sub.id, reason: 'parked billing retried' });
}

/** The failed try is counted in a commit of its own, then told as 409 (contract 2.30). */
async function refuseRetry(context: Context, item: ParkedItem, failure: unknown): Promise<never> {
  const message = failure instanceof Error ? failure.message.slice(0, 500) : 'unknown error';
  await context.transaction(async (work) => {
    const [sub] = await lockSubscriptions(work.db, [item.subscriptionId]);
    const open = sub && (await findUnresolvedParked(work.db, sub.id));
    if (open) await parkSubscription(work, sub, failure, message);
  });
  const reason = failure instanceof AppError ? failure.message : 'see the parked item';
  throw conflict(`The billing still fails: ${reason}`);
}

const present = (item: ParkedItem) => ({
  id: item.id,
  subscriptionId: item.subscriptionId,
  customerId: item.customerId,
  code: item.code,
  message: item.message,
  evidence: item.evidence,
  attempts: item.attempts,
  parkedAt: item.parkedAt,
  resolvedAt: item.resolvedAt,
  createdAt: item.createdAt,
});
