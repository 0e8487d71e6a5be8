import { type Check, sqlCheck } from './check.ts';

/** INV20 as far as invoices tell it: who is blocked has an invoice that blocks (rules §8.1). */
export const stateChecks: Check[] = [
  sqlCheck(
    'INV20',
    'past_due without an open invoice that is overdue or was declined',
    `select s.id from subscriptions s where s.status = 'past_due' and not exists (
       select 1 from invoices i where i.subscription_id = s.id
         and (i.status = 'overdue' or (i.status = 'issued' and i.charge_failures > 0)))`,
  ),
  sqlCheck(
    'INV20',
    'paused for dunning without an overdue invoice',
    `select s.id from subscriptions s where s.status = 'paused' and s.pause_reason = 'dunning' and not exists (
       select 1 from invoices i where i.subscription_id = s.id and i.status = 'overdue')`,
  ),
];
