import { epochMilliseconds, fromEpochMilliseconds } from '../../src/platform/calendar.ts';
import type { TestApp } from '../support/app.ts';
import { COUPONS, CYCLES, MONEY, planBody, TAXES, termsOf, text } from './catalogue.ts';
import type { Discount } from './documents.ts';
import type { Setting } from './life.ts';
import { Reference } from './model.ts';
import type { Price, Tax } from './prices.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are checked against the contract
type Entity = any;

/** The rates of a country, one after the other, and the rule that holds last; shared by the stories of a server. */
export interface Taxes {
  ruleId: string;
  rates: { from: number; rate: string }[];
}
const known = new WeakMap<TestApp, Map<string, Taxes>>();

export interface Story {
  app: TestApp;
  id: string;
  customerId: string;
  model: Reference;
  prices: Price[];
  discounts: { id: string; model: Discount }[];
  events: { id: string; model: { voided?: boolean } }[];
  coupons: Map<number, string>;
  /** Of the payments of the model, in their order. */
  paymentIds: string[];
  taxes: Taxes | null;
  currency: string;
  /** Instant of the last billing run. */
  ranAt: string;
  actual(): Promise<object>;
  expected(): object;
}

export const nowOf = (app: TestApp): number => epochMilliseconds(app.clock.now());

async function post(app: TestApp, path: string, body: unknown): Promise<Entity> {
  const answer = await app.api.post(path, body);
  if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

export async function startStory(app: TestApp, setting: Setting): Promise<Story> {
  const { given } = app;
  const { currency, digits, plans } = MONEY[setting.money]!;
  const { country, tax } = TAXES[setting.tax]!;
  const taxes = tax && (await taxesOf(app, country, tax));
  const product = await given.product();
  const prices: Price[] = [];
  for (const [i, price] of plans.entries()) {
    const made = await given.plan({ productId: product.id, name: `Plan ${i}`, ...planBody(price, currency) });
    prices.push({ ...price, plan: made.id });
  }
  const customer = await given.customer({ billingCountry: country });
  const terms = termsOf(prices, setting.plan, setting.months, setting.quantity);
  const story = {
    app,
    customerId: customer.id,
    prices,
    discounts: [],
    events: [],
    coupons: new Map(),
    paymentIds: [],
    taxes,
    currency,
  } as unknown as Story;
  const coupon = setting.coupon === null ? undefined : await couponOf(story, setting.coupon);
  const { trialDays, ahead } = setting;
  const made = await post(app, '/api/billing/subscriptions', {
    customerId: customer.id,
    planId: terms.price.plan,
    billingCycle: CYCLES[terms.months as 1],
    quantity: terms.quantity,
    trialDays,
    preRenewalInvoiceDays: ahead,
    ...(coupon ? { couponCode: coupon.code } : {}),
  });
  const discount = coupon ? { discount: { ...coupon.terms, starts: 0, ends: null } } : {};
  const taxAt = (at: number): Tax | null => {
    const rate = taxes?.rates.findLast(({ from }) => from <= at)?.rate;
    return tax && { ...tax, rate: rate! };
  };
  story.model = new Reference(nowOf(app), terms, { trialDays, ahead, taxAt, digits, ...discount });
  if (coupon) story.discounts.push({ id: made.discounts[0].id, model: story.model.discounts[0]! });
  return Object.assign(story, {
    id: made.id,
    ranAt: app.clock.now(),
    actual: () => actual(story),
    expected: () => expected(story),
  });
}

async function taxesOf(app: TestApp, country: string, { rate, inclusive }: Tax): Promise<Taxes> {
  const countries = known.get(app) ?? new Map<string, Taxes>();
  known.set(app, countries);
  const there = countries.get(country);
  if (there) return there;
  const rule = { country, taxName: 'Tax', rate, inclusive, effectiveFrom: '2020-01-01' };
  const { id: ruleId } = await post(app, '/api/billing/tax-rules', rule);
  const made = { ruleId, rates: [{ from: 0, rate }] };
  countries.set(country, made);
  return made;
}

export async function couponOf(
  story: Story,
  n: number,
): Promise<{ code: string; terms: Omit<Discount, 'starts' | 'ends'> }> {
  const { percent, amount, cycles } = COUPONS[n]!;
  const { currency } = story;
  const worth = percent
    ? { discountType: 'percentage', discountValue: percent }
    : { discountType: 'fixed_amount', discountValue: text(amount!, currency), currency };
  const lasting =
    cycles === null
      ? { duration: 'forever' }
      : cycles === 1
        ? { duration: 'once' }
        : { duration: 'repeating', durationCycles: cycles };
  const code = story.coupons.get(n) ?? (await story.app.given.coupon({ ...worth, ...lasting })).code;
  story.coupons.set(n, code);
  return { code, terms: COUPONS[n]! };
}

export async function invoicesOf({ app, id }: Story): Promise<Entity[]> {
  const invoices = (await app.api.get(`/api/billing/invoices?subscriptionId=${id}&limit=100`)).body;
  return invoices.reverse();
}

async function actual(story: Story): Promise<object> {
  const { app, id, customerId, currency } = story;
  const { body: sub } = await app.api.get(`/api/billing/subscriptions/${id}`);
  const [credit] = await app.database.read('credit_balances').where({ customer_id: customerId, currency });
  const invoices = (await invoicesOf(story)).map((invoice) => ({
    lines: invoice.lineItems
      .filter(({ kind }: Entity) => kind !== 'discount')
      .map((line: Entity) => `${line.kind} ${line.amount} ${line.periodStart} ${line.periodEnd}`),
    off: invoice.discountAmount,
    tax: invoice.taxAmount,
    total: invoice.total,
    credits: invoice.creditsApplied,
    notes: invoice.creditNotesAmount,
    paid: invoice.amountPaid,
    refunded: invoice.amountRefunded,
    due: invoice.amountDue,
    status: invoice.status,
  }));
  const { status, currentPeriodStart: start, currentPeriodEnd: end, planId, quantity, billingCycle } = sub;
  return {
    status,
    start,
    end,
    planId,
    quantity,
    billingCycle,
    balance: text(BigInt(credit?.balance ?? 0), currency),
    invoices,
  };
}

function expected({ model, currency }: Story): object {
  const at = fromEpochMilliseconds;
  const { status, terms, account } = model;
  return {
    status,
    start: at(model.start),
    end: at(model.end),
    planId: terms.price.plan,
    quantity: terms.quantity,
    billingCycle: CYCLES[terms.months as 1],
    balance: text(account.balance, currency),
    invoices: account.invoices.map((invoice) => ({
      lines: invoice.lines.map(
        (line) => `${line.kind} ${text(line.amount, currency)} ${at(line.start)} ${at(line.end)}`,
      ),
      off: text(invoice.discount, currency),
      tax: text(invoice.tax, currency),
      total: text(invoice.total, currency),
      credits: text(invoice.credits, currency),
      notes: text(invoice.notesDue, currency),
      paid: text(invoice.paid, currency),
      refunded: text(invoice.refunded, currency),
      due: text(invoice.due, currency),
      status: invoice.status,
    })),
  };
}
