import { addDays, addMilliseconds } from '../../platform/calendar.ts';
import { type Check, sqlCheck } from './check.ts';

const PARKED = 'select 1 from parked_items p where p.subscription_id = s.id and p.resolved_at is null';
const BILLED = `s.status in ('active', 'past_due')`;

/** Every action to come of a subscription, with its instant (rules S11); the next action is the earliest. */
const ACTIONS = `select s.id, s.trial_notice_at as at from subscriptions s
    where s.status = 'trialing' and s.trial_notice_at is not null
  union all select s.id, s.current_period_end from subscriptions s
    where ${BILLED} or s.status = 'trialing' or (s.status = 'paused' and s.cancel_at_period_end)
  union all select s.id, p.due_at from subscriptions s join billing_periods p on p.subscription_id = s.id
    where p.state = 'pending' and s.status <> 'paused' and (
      (p.kind = 'advance' and p.period_start = s.current_period_end and ${BILLED})
      or (p.kind = 'usage' and p.due_at < s.current_period_end))
  union all select s.id, s.canceled_at from subscriptions s join billing_periods p on p.subscription_id = s.id
    where p.dirty and s.status = 'canceled'`;
const FIRST = `select id, min(at) as at from (${ACTIONS}) a group by id`;

/** Pauses between tries (rules S12): 5 min, doubling to 6 h; the clocks of two servers may differ by a minute. */
const PAUSES_MS = [5, 10, 20, 40, 80, 160, 320, 360].map((minutes) => (minutes + 1) * 60_000);
const TRIED_TOO_LATE = PAUSES_MS.map((_, i) =>
  i === PAUSES_MS.length - 1
    ? `(s.error_count > ${i} and s.next_action_at > ?)`
    : `(s.error_count = ${i + 1} and s.next_action_at > ?)`,
).join(' or ');

/** INV11 for what is to come: the next action is the first that is due, and what fails is tried again soon. */
export const planningChecks: Check[] = [
  sqlCheck(
    'INV11',
    'pending for more than 24 hours after it was due, neither retried nor parked',
    `select p.id from billing_periods p join subscriptions s on s.id = p.subscription_id
     where p.state = 'pending' and p.due_at <= ? and s.updated_at <= ? and s.status <> 'paused'
       and (s.error_count = 0 or s.next_action_at is null or s.next_action_at <= ?) and not exists (${PARKED})`,
    (now) => [addDays(now, -1), addDays(now, -1), addDays(now, -1)], // a change may plan what is due long since
  ),
  sqlCheck(
    'INV11',
    'the next action is not the first that is due',
    `select s.id from subscriptions s left join (${FIRST}) f on f.id = s.id
     where s.error_count = 0 and s.next_action_at is distinct from f.at`,
  ),
  sqlCheck(
    'INV11',
    'what failed is not tried again, or not as soon as it should be, or nothing is due',
    `select s.id from subscriptions s left join (${FIRST}) f on f.id = s.id
     where s.error_count > 0 and (s.next_action_at is null or f.at is null or s.next_action_at < f.at or ${TRIED_TOO_LATE})`,
    (now) => PAUSES_MS.map((pause) => addMilliseconds(now, pause)),
  ),
  sqlCheck(
    'INV11',
    'failed tries without an error, or an error without them',
    'select id from subscriptions where (error_count > 0) <> (last_error is not null)',
  ),
  sqlCheck(
    'INV11',
    'parked without anything that was due',
    `select p.id from parked_items p join subscriptions s on s.id = p.subscription_id
     where p.resolved_at is null and (s.next_action_at is null or s.next_action_at > p.parked_at)`,
  ),
];
