import type { Migration } from './migration.ts';

/** Usage tiers go on after a change of plan within a period. Rows there are keep the tiers they were sold with. */
export const usageTiers: Migration = {
  name: '0020-usage-tiers',
  up: ['ALTER TABLE billing_periods ADD COLUMN tiers_from {ts}'],
  down: ['ALTER TABLE billing_periods DROP COLUMN tiers_from'],
};
