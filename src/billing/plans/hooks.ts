import type { Db } from '../../platform/db/connect.ts';

/** What plans ask of those who are sold them. */
export interface PlanHooks {
  /** Whether the customer is, or was, sold the plan. */
  isHeldBy(db: Db, customerId: string, planId: string): Promise<boolean>;
}

declare module '../../platform/work.ts' {
  interface Hooks {
    plans: PlanHooks;
  }
}
