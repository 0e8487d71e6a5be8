import type { Migration } from './migration.ts';

/** Which request holds a key; rows from before are done, or free after their time. */
export const idempotencyClaims: Migration = {
  name: '0027-idempotency-claims',
  up: ['ALTER TABLE idempotency_keys ADD COLUMN claim {text}'],
  down: ['ALTER TABLE idempotency_keys DROP COLUMN claim'],
};
