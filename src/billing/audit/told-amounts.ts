import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';
import { formatMoney } from '../../platform/money.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { loadVersionsOfPlans } from '../plans/store.ts';
import { advanceAmount } from '../pricing/lines.ts';
import { billsInAdvance } from '../pricing/prices.ts';
import { type Check, marks, pageCheck } from './check.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it, and an event's data as it was written
type Row = any;
interface Event {
  id: string;
  type: string;
  resource_id: string;
  body: string;
  created_at: string;
}
interface Told extends Event {
  data: Row;
}

const EVENTS = `select id, type, resource_id, body, created_at from events where id > ?
  and type in ('subscription.created', 'subscription.renewed', 'subscription.plan_changed') order by id`;

/** INV26 for the amounts of subscriptions, which no row keeps: they follow from the price sold and from what was billed. */
export const toldAmountChecks: Check[] = [
  pageCheck('INV26', 'an event of a subscription tells another amount than was sold or billed', EVENTS, findMispriced),
];

async function findMispriced(db: Db, events: Event[]): Promise<string[]> {
  const told = events.flatMap(read);
  const of = (type: string) => told.filter((event) => event.type === type);
  const wrong = [
    ...(await findMissold(db, of('subscription.created'))),
    ...(await findMisrenewed(db, of('subscription.renewed'))),
    ...(await findMischanged(db, of('subscription.plan_changed'))),
  ];
  return wrong.map(({ id }) => id).sort();
}

/** One that cannot be read is reported as such (told.ts). */
function read(event: Event): Told[] {
  try {
    const { data } = JSON.parse(event.body);
    return data ? [{ ...event, data }] : [];
  } catch {
    return [];
  }
}

/** The price of a period at the version that was sold; null when nothing is billed in advance. */
async function findMissold(db: Db, events: Told[]): Promise<Told[]> {
  const versions = await versionsOf(db, events);
  return events.filter(({ data }) => {
    const version = versions.get(`${data.planId} ${data.planVersion}`);
    return version === undefined || data.amount !== priceOf(version, data);
  });
}

async function versionsOf(db: Db, events: Told[]): Promise<Map<string, PlanVersion>> {
  const plans = [...new Set(events.map(({ data }) => String(data.planId)))];
  const ids = inList(plans);
  if (ids.length === 0) return new Map();
  const rows = await query<{ id: string; plan_id: string; number: unknown }>(
    db,
    `select id, plan_id, number from plan_versions where plan_id in (${marks(ids)})`,
    ids,
  );
  const loaded = new Map((await loadVersionsOfPlans(db, plans)).map((version) => [version.id, version]));
  return new Map(
    rows.flatMap((row) => {
      const version = loaded.get(row.id);
      return version ? [[`${row.plan_id} ${row.number}`, version] as const] : [];
    }),
  );
}

function priceOf({ id, planId, planName, productId, price }: PlanVersion, data: Row): string | null {
  if (!billsInAdvance(price)) return null;
  const { quantity, billingCycle, currency, currentPeriodStart: periodStart, currentPeriodEnd: periodEnd } = data;
  const plan = { id: planId, name: planName, productId };
  try {
    const charge = { plan, planVersionId: id, price, currency, quantity, billingCycle, periodStart, periodEnd };
    return formatMoney(advanceAmount(charge), currency);
  } catch {
    return null;
  }
}

/** What its invoice charges for the period, where there is one. */
async function findMisrenewed(db: Db, events: Told[]): Promise<Told[]> {
  const billed = events.filter(({ data }) => data.invoiceId !== null);
  const ids = inList(billed.map(({ data }) => String(data.invoiceId)));
  if (ids.length === 0) return [];
  const rows: Row[] = await query(
    db,
    `select invoice_id, period_start, sum(amount) as amount from invoice_lines
     where kind = 'plan' and invoice_id in (${marks(ids)}) group by invoice_id, period_start`,
    ids,
  );
  const sums = new Map(rows.map((row) => [`${row.invoice_id} ${row.period_start}`, money(row.amount)]));
  return billed.filter(({ data }) => {
    const sum = sums.get(`${data.invoiceId} ${data.currentPeriodStart}`);
    return sum === undefined || formatMoney(sum, data.currency) !== data.amount;
  });
}

/** The invoice of a change within a period bills its net, and its credit notes are what it says was credited. */
async function findMischanged(db: Db, events: Told[]): Promise<Told[]> {
  const nets = await netsOf(db, events);
  const credited = await creditedAt(db, events);
  return events.filter(({ data, resource_id: id, created_at: at }) => {
    const { invoiceId, prorationNet, creditIssued, currency } = data;
    const text = (amount: bigint | undefined) => (amount === undefined ? undefined : formatMoney(amount, currency));
    const others = events.filter((one) => one.resource_id === id && one.created_at === at).length > 1;
    return (
      (nets.has(invoiceId) && text(nets.get(invoiceId)) !== prorationNet) ||
      (!others && creditIssued !== null && text(credited.get(`${id} ${at}`)) !== creditIssued)
    );
  });
}

/** What each invoice of a change within a period comes to before tax; that of a change of cycle bills a whole period. */
async function netsOf(db: Db, events: Told[]): Promise<Map<string, bigint>> {
  const ids = inList(events.flatMap(({ data }) => (data.invoiceId ? [String(data.invoiceId)] : [])));
  if (ids.length === 0) return new Map();
  const rows: Row[] = await query(
    db,
    `select invoice_id, sum(amount) as net from invoice_lines where kind = 'proration' and invoice_id in (${marks(ids)})
     group by invoice_id`,
    ids,
  );
  return new Map(rows.map((row) => [row.invoice_id, money(row.net)]));
}

/** The credit notes of changes, by subscription and instant. */
async function creditedAt(db: Db, events: Told[]): Promise<Map<string, bigint>> {
  const ids = inList(events.map(({ resource_id: id }) => id));
  if (ids.length === 0) return new Map();
  const rows: Row[] = await query(
    db,
    `select i.subscription_id, n.issued_at, sum(n.amount) as amount from credit_notes n join invoices i on i.id = n.invoice_id
     where n.cause = 'proration' and i.subscription_id in (${marks(ids)}) group by i.subscription_id, n.issued_at`,
    ids,
  );
  return new Map(rows.map((row) => [`${row.subscription_id} ${row.issued_at}`, money(row.amount)]));
}
