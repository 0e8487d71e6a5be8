import type { Retention } from '../../platform/jobs/retention.ts';

/** What was parked and is healed; open ones stay. */
export const runRetentions: readonly Retention[] = [
  { name: 'parkedResolved', table: 'parked_items', key: ['id'], since: 'resolved_at', days: () => 365 },
];
