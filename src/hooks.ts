import { markPaid } from './billing/payments/record.ts';
import { productHasPlans } from './billing/plans/store.ts';
import { invoiceHooks } from './billing/subscriptions/invoice-hooks.ts';
import { listCustomerSubscriptions } from './billing/subscriptions/present.ts';
import { isOnPlan } from './billing/subscriptions/store/health.ts';
import { productHasLicenses } from './licenses/figures.ts';
import { followSubscriptions } from './licenses/following/follow.ts';
import type { Hooks } from './platform/work.ts';
import { customerFigures, newCustomerFigures } from './reports/customer-figures.ts';
import { holdingsOf } from './reports/holdings.ts';
import { productFigures } from './reports/product-figures.ts';
import { customerIsReferenced, planIsUsed } from './reports/references.ts';

/**
 * Who answers what a feature asks of those above it, and hears what it tells them. A feature declares its hooks in its
 * `hooks.ts`; one that is missing here does not compile.
 */
export const hooks: Hooks = {
  products: {
    figuresOf: productFigures,
    heldBy: async (db, customerId) => (await holdingsOf(db, [customerId])).map(({ productId }) => productId),
    isSold: async (db, id) => (await productHasPlans(db, id)) || (await productHasLicenses(db, id)),
  },
  plans: { isUsed: planIsUsed, isHeldBy: isOnPlan },
  customers: {
    figuresOf: customerFigures,
    isReferenced: customerIsReferenced,
    newFigures: newCustomerFigures,
    subscriptionsOf: listCustomerSubscriptions,
  },
  subscriptions: { saved: followSubscriptions },
  invoices: { ...invoiceHooks, markPaid },
};
