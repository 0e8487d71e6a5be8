import type { Subscription as Shown } from '../../../generated/types.gen.ts';
import type { Db } from '../../platform/db/connect.ts';
import { listSubscriptions, type NamedSubscription } from './store.ts';

/** The API shape. */
export const presentSubscription = (sub: NamedSubscription): Shown => ({
  id: sub.id,
  customerId: sub.customerId,
  customerName: sub.customerName,
  planId: sub.planId,
  planName: sub.planName,
  planVersion: sub.planVersion,
  status: sub.status,
  billingCycle: sub.billingCycle,
  currency: sub.currency,
  quantity: sub.quantity,
  currentPeriodStart: sub.currentPeriodStart,
  currentPeriodEnd: sub.currentPeriodEnd,
  cancelAtPeriodEnd: sub.cancelAtPeriodEnd,
  trialEnd: sub.trialEnd,
  couponCode: null,
  discounts: [],
  preRenewalInvoiceDays: sub.preRenewalInvoiceDays,
  pendingChange: null,
  metadata: sub.metadata as Shown['metadata'],
  managedBy: sub.managedBy as Shown['managedBy'],
  pauseReason: sub.pauseReason,
  pausedAt: sub.pausedAt,
  canceledAt: sub.canceledAt,
  version: sub.version,
  createdAt: sub.createdAt,
  updatedAt: sub.updatedAt,
});

/** The newest subscriptions of a customer, in all states. */
export async function listCustomerSubscriptions(db: Db, customerId: string, limit: number): Promise<Shown[]> {
  const rows = await listSubscriptions(db, customerId, {}, { limit, after: undefined });
  return rows.slice(0, limit).map(presentSubscription);
}
