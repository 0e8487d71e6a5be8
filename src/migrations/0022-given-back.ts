import type { Migration } from './migration.ts';

/** Rows from before count what persons had given back when their terms changed as not counted yet: it is counted once. */
export const givenBack: Migration = {
  name: '0022-given-back',
  up: ['ALTER TABLE billing_periods ADD COLUMN given_back_before {money} NOT NULL DEFAULT 0'],
  down: ['ALTER TABLE billing_periods DROP COLUMN given_back_before'],
};
