import { bool, int } from '../../platform/db/columns.ts';
import { type Check, pageCheck } from './check.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it
type Row = any;

/** The text of the last event of a row among some types; those without a position are younger than a minute (INV22). */
const last = (of: string, types: string[]) => `(select e.body from events e
  where e.resource_id = ${of}.id and e.position is not null and e.type in (${types.map((type) => `'${type}'`).join(', ')})
  order by e.sequence desc limit 1)`;
const settled = (of: string) => `${of}.id not in (select resource_id from events where position is null)`;

const SUBSCRIPTIONS = `select s.id, s.plan_id, s.status, s.quantity, s.billing_cycle, s.cancel_at_period_end, s.pause_reason,
    v.number, ${last('s', ['subscription.created', 'subscription.updated'])} as state,
    ${last('s', ['subscription.created', 'subscription.plan_changed'])} as terms,
    case when s.status = 'paused' then ${last('s', ['subscription.paused'])} end as pause
  from subscriptions s left join plan_versions v on v.id = s.plan_version_id
  where s.id > ? and ${settled('s')} order by s.id`;
const LICENSES = `select l.id, l.status, ${last(
  'l',
  ['created', 'activated', 'suspended', 'revoked', 'expired'].map((type) => `license.${type}`),
)} as state from licenses l where l.id > ? and ${settled('l')} order by l.id`;

/** INV28: a row is in the state, and sold at the terms, that the last event about them told. */
export const lastToldChecks: Check[] = [
  pageCheck<Row>('INV28', 'a subscription is not as its last event told', SUBSCRIPTIONS, (_, rows) =>
    rows.filter((row) => !isSubscription(row)).map(({ id }) => id),
  ),
  pageCheck<Row>('INV28', 'a licence is not in the state that its last event told', LICENSES, (_, rows) =>
    rows.filter(({ status, state }) => state !== null && status !== licenseStatus(read(state))).map(({ id }) => id),
  ),
];

/** An event that cannot be read told nothing: INV26. */
function read(body: string): { type: string; data: Record<string, unknown> } {
  try {
    return JSON.parse(body);
  } catch {
    return { type: '', data: {} };
  }
}

/** What was never told is missing (INV16). */
function isSubscription({ state, terms, pause, ...row }: Row): boolean {
  return (
    (state === null || isState(row, read(state).data)) &&
    (terms === null || isSoldAt(row, read(terms).data)) &&
    (pause === null || read(pause).data.reason === row.pause_reason)
  );
}

const isState = (row: Row, told: Record<string, unknown>): boolean =>
  told.status === row.status && (told.cancelAtPeriodEnd ?? false) === bool(row.cancel_at_period_end);

/** `subscription.created` and `subscription.plan_changed` name the plan and the quantity by other words. */
const isSoldAt = (row: Row, told: Record<string, unknown>): boolean =>
  (told.newPlanId ?? told.planId) === row.plan_id &&
  told.planVersion === int(row.number) &&
  (told.newQuantity ?? told.quantity) === int(row.quantity) &&
  told.billingCycle === row.billing_cycle;

function licenseStatus({ type, data }: { type: string; data: Record<string, unknown> }): unknown {
  if (type === 'license.created') return data.status;
  return type === 'license.activated' ? 'active' : type.slice('license.'.length);
}
