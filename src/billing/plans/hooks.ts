import type { Db } from '../../platform/db/connect.ts';

/** What plans ask of those who are sold them. */
export interface PlanHooks {
  /** Whether a subscription of any state, present or coming, is or was on the plan, or a coupon names it (rules P1). */
  isUsed(db: Db, id: string): Promise<boolean>;
  /** Whether the customer is, or was, sold the plan. */
  isHeldBy(db: Db, customerId: string, planId: string): Promise<boolean>;
}

declare module '../../platform/work.ts' {
  interface Hooks {
    plans: PlanHooks;
  }
}
