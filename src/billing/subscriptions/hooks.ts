import type { Work } from '../../platform/work.ts';
import type { BillingSettings } from '../../settings/billing-settings.ts';
import type { PlanVersion } from '../plans/plan.ts';
import type { Subscription } from './subscription.ts';

/** A subscription as it was and as it is, with what is sold by it. */
export interface SavedSubscription {
  subscriptionId: string;
  customerId: string;
  customerName: string;
  /** Null for a new one. */
  before: Subscription | null;
  after: Subscription;
  sold: { before: PlanVersion; after: PlanVersion };
}

/** What subscriptions tell those above them. */
export interface SubscriptionHooks {
  /** These were written by this work; their rows are locked. Must cost a constant number of statements. */
  saved(work: Work, settings: BillingSettings, saved: SavedSubscription[]): Promise<void>;
}

declare module '../../platform/work.ts' {
  interface Hooks {
    subscriptions: SubscriptionHooks;
  }
}
