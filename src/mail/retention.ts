import type { Retention } from '../platform/jobs/retention.ts';

const KEEP_FAILED_DAYS = 365;
const emails = { table: 'emails', key: ['id'] };

/** What arrived is evidence for a while; what did not is kept until somebody has had a year to see it. */
export const mailRetentions: readonly Retention[] = [
  {
    ...emails,
    name: 'emailsSent',
    since: 'sent_at',
    only: { state: 'sent' },
    days: ({ emailRetentionDays }) => emailRetentionDays,
  },
  {
    ...emails,
    name: 'emailsFailed',
    since: 'created_at',
    only: { state: 'failed' },
    days: ({ emailRetentionDays }) => Math.max(emailRetentionDays, KEEP_FAILED_DAYS),
  },
];
