import type { Answer, TestApp } from '../../support/app.ts';
import type { Entity } from '../support.ts';

export const START = '2026-01-31T10:00:00.000Z';
export const METRIC = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
export const metric = (aggregation: string, uniqueProperty: string | null = null) => ({
  ...METRIC,
  aggregation,
  uniqueProperty,
});

/** A plan at 0.10 per unit without base price, unless said otherwise. */
export const usagePlan = (app: TestApp, over: object = {}): Promise<Entity> =>
  app.given.plan({
    name: 'API',
    pricingModel: 'usage_based',
    basePrice: '0',
    unitPrice: '0.10',
    usageMetric: METRIC,
    ...over,
  });

/** A subscription of such a plan, invoiced at its boundaries only. */
export async function usageSubscription(app: TestApp, plan: object = {}, over: object = {}): Promise<Entity> {
  const { id: planId } = await usagePlan(app, plan);
  return app.given.subscription({ planId, preRenewalInvoiceDays: 0, ...over });
}

export const record = (app: TestApp, body: unknown, headers = {}): Promise<Answer> =>
  app.api.post('/api/billing/usage', body, headers);

/** Records one event of the metric `calls`, which must be taken. */
export async function use(app: TestApp, subscriptionId: string, value: string, over: object = {}): Promise<Entity> {
  const answer = await record(app, { subscriptionId, metricName: 'calls', value, ...over });
  if (answer.status !== 201) throw new Error(`recordUsage answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export const voidEvent = (app: TestApp, id: string): Promise<Answer> => app.api.post(`/api/billing/usage/${id}/void`);

export const summaryOf = async (app: TestApp, id: string, query = ''): Promise<Entity> =>
  (await app.api.get(`/api/billing/usage/${id}/summary${query}`)).body;

export const upcomingOf = (app: TestApp, id: string): Promise<Answer> =>
  app.api.get(`/api/billing/subscriptions/${id}/upcoming-invoice`);

/** The lines of an invoice as `description = amount`. */
export const linesOf = ({ lineItems }: Entity): string[] =>
  lineItems.map(({ description, amount }: Entity) => `${description} = ${amount}`);

/** The credit notes of an invoice as `amount: reason`, oldest first. */
export async function notesOf(app: TestApp, invoiceId: string): Promise<string[]> {
  const { body } = await app.api.get(`/api/billing/credit-notes?invoiceId=${invoiceId}`);
  return body.toReversed().map(({ amount, reason }: Entity) => `${amount}: ${reason}`);
}

/** The usage rows of a subscription as `start state quantity amount net`, in order; dirty ones with a star. */
export async function usageRows(app: TestApp, subscriptionId: string): Promise<string[]> {
  const rows: Entity[] = await app.database
    .read('billing_periods')
    .where({ subscription_id: subscriptionId, kind: 'usage' })
    .orderBy('period_start');
  return rows.map((row) => {
    const billed =
      row.billed_amount === null ? '' : ` ${Number(row.billed_quantity)} ${row.billed_amount} ${row.billed_net}`;
    return `${row.period_start.slice(0, 10)} ${row.state}${billed}${row.dirty ? ' *' : ''}`;
  });
}
