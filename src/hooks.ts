import { markPaid } from './billing/payments/record.ts';
import { isOnPlan } from './billing/subscriptions/holdings.ts';
import { invoiceHooks } from './billing/subscriptions/invoice-hooks.ts';
import type { Hooks } from './platform/work.ts';

/** Who answers what a feature asks of those above it. A feature declares its hooks in its `hooks.ts`; a missing one does not compile. */
export const hooks: Hooks = {
  invoices: { ...invoiceHooks, markPaid },
  plans: { isHeldBy: isOnPlan },
};
