import { addMilliseconds, wholeDaysBetween } from '../../src/platform/calendar.ts';
import { formatMoney } from '../../src/platform/money.ts';
import { type Answer, type StartOptions, startApp, type TestApp } from './app.ts';
import { crashing } from './crash.ts';
import { asLines, difference, dump } from './dump.ts';
import { isLicenseStep, license } from './history-licenses.ts';
import { giveBack, isMoneyBack } from './history-money-back.ts';
import { changePlan, isPlanStep } from './history-plan-change.ts';
import { type Step, WAITS } from './history-steps.ts';
import { isUsage, meter } from './history-usage.ts';

/** A server on which a history happens, and what the steps choose from. */
export interface World {
  app: TestApp;
  customers: string[];
  plans: Map<number, { id: string; cycle: string }>;
  coupons: Map<number, string>;
  /** The last POST, for a repetition with the same Idempotency-Key. */
  last?: { path: string; body: unknown; key: string; answer: Answer; at: string };
  posts: number;
  /** Instant of the last lifecycle run: nothing that fell due later is late yet. */
  ranAt: string;
  /** What runs after a wait. */
  waitJob: Job;
  /** The job the last step ran, if it did. */
  ran?: Job | undefined;
  /** The statement at which the database is lost during the next step. */
  crashAt?: number | undefined;
  /** How often each kind of step did something and was refused. */
  outcomes: Map<string, { done: number; refused: number }>;
}

const PLACES = [{}, { billingCountry: 'US', billingState: 'CA' }, { billingCountry: 'JP' }, { billingCountry: 'FR' }];
const METHODS = ['manual', 'bank_transfer', 'check', 'stripe', 'xendit', 'lemonsqueezy'];
const METRIC = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
const TIERS = [
  { upTo: 10, unitPrice: '5' },
  { upTo: 20, unitPrice: '3', flatFee: '7.50' },
  { upTo: null, unitPrice: '1.005' },
];
const LICENSED = { maxActivations: 2, features: { seats: 2 } };
const UNLIMITED = { licenseTemplate: { maxActivations: null, features: null } };
const PLANS: Record<string, unknown>[] = [
  { pricingModel: 'flat', basePrice: '49.99', features: { pro: true }, licenseTemplate: LICENSED },
  { pricingModel: 'per_unit', basePrice: '0', unitPrice: '33.333' },
  { pricingModel: 'tiered', basePrice: '0', tiers: TIERS },
  { pricingModel: 'tiered', basePrice: '0', tiers: TIERS, tierMode: 'volume', billingCycle: 'quarterly', ...UNLIMITED },
  { pricingModel: 'usage_based', basePrice: '20.00', unitPrice: '0.10', usageMetric: METRIC },
  { pricingModel: 'usage_based', basePrice: '0', unitPrice: '0.10', usageMetric: METRIC },
  { pricingModel: 'flat', basePrice: '1200.00', billingCycle: 'yearly', trialDays: 14, licenseTemplate: LICENSED },
  { pricingModel: 'flat', basePrice: '0.00' },
  { pricingModel: 'per_unit', basePrice: '1505', currency: 'JPY' },
  { pricingModel: 'usage_based', basePrice: '5.00', tiers: TIERS, usageMetric: { ...METRIC, aggregation: 'max' } },
  {
    pricingModel: 'usage_based',
    basePrice: '0',
    unitPrice: '3.333',
    usageMetric: { name: 'calls', aggregation: 'unique', uniqueProperty: 'user' },
  },
  {
    pricingModel: 'usage_based',
    basePrice: '9.99',
    unitPrice: '0.005',
    usageMetric: { ...METRIC, aggregation: 'last' },
    billingCycle: 'quarterly',
  },
];
const COUPONS: Record<string, unknown>[] = [
  { discountType: 'percentage', discountValue: '33.3333' },
  { discountType: 'percentage', discountValue: '12.5', duration: 'repeating', durationCycles: 3 },
  { discountType: 'percentage', discountValue: '100', duration: 'repeating', durationCycles: 2, maxRedemptions: 3 },
  { discountType: 'percentage', discountValue: '20', duration: 'forever' },
  { discountType: 'fixed_amount', discountValue: '10.01', duration: 'forever' },
  { discountType: 'fixed_amount', discountValue: '75.00', duration: 'repeating', durationCycles: 5 },
];
const CYCLES = ['monthly', 'quarterly', 'yearly'];

export type Job = 'lifecycle' | 'dunning' | 'run';

export async function startWorld(options: StartOptions = {}): Promise<World> {
  const config = { sessionExpiryDays: 100_000 };
  const app = await startApp({ now: '2026-01-31T10:00:00.000Z', config, ...options });
  const world: World = {
    app,
    customers: [],
    plans: new Map(),
    coupons: new Map(),
    posts: 0,
    waitJob: 'run',
    ranAt: app.clock.now(),
    outcomes: new Map(),
  };
  await take(world, { do: 'customer', place: 0 });
  await take(world, { do: 'customer', place: 1 });
  await take(world, { do: 'tax', place: 1, rate: 725, inclusive: false });
  const sold = { do: 'subscribe', customer: 1, cycle: 0, quantity: 1, trial: 0 } as const;
  await take(world, { ...sold, plan: 0, ahead: 90 }); // its next period is always billed ahead
  await take(world, { ...sold, plan: 4, ahead: 0 });
  await take(world, { do: 'rotate' });
  await take(world, { do: 'sign', of: 0 }); // followed by signatures from now on
  await take(world, { do: 'use', of: 0, values: [123_456, 5000], hoursAgo: 0, key: 0 });
  await take(world, { do: 'pay', invoice: 1, share: 'over', method: 1, reference: 0 }); // leaves credit
  return world;
}

/** Takes one step through the API. Throws when an answer is neither a success nor a refusal of a rule. */
export async function take(world: World, step: Step): Promise<void> {
  world.ran = undefined;
  if (step.do === 'crash') {
    world.crashAt = step.at;
    return;
  }
  await crashFirst(world, step);
  const answer = await perform(world, step);
  if (!answer) return;
  const outcome = world.outcomes.get(step.do) ?? { done: 0, refused: 0 };
  world.outcomes.set(step.do, outcome);
  if (answer.status < 300) outcome.done += 1;
  else if (answer.status < 500 && answer.status !== 401) outcome.refused += 1;
  else throw new Error(`${JSON.stringify(step)} answered ${answer.status}: ${answer.text}`);
  await world.app.drain();
}

/** The step is interrupted in the middle, once; a request leaves nothing behind, a run what it had committed. */
async function crashFirst(world: World, step: Step): Promise<void> {
  const { crashAt, app } = world;
  world.crashAt = undefined;
  if (crashAt === undefined || UNHARMED.includes(step.do)) return;
  if ('plan' in step) await planAt(world, step.plan);
  if ('coupon' in step) await couponAt(world, step.coupon);
  const before = asLines(await dump(app.database.read));
  const clock = app.clock.now();
  const { last, posts } = world;
  const { crashed, value } = await crashing(app, crashAt, () => perform(world, step).catch(() => undefined));
  const outcome = world.outcomes.get('crash') ?? { done: 0, refused: 0 };
  world.outcomes.set('crash', {
    ...outcome,
    [crashed ? 'done' : 'refused']: outcome[crashed ? 'done' : 'refused'] + 1,
  });
  world.last = last;
  world.posts = posts + 1;
  const changed = difference(before, asLines(await dump(app.database.read)));
  const ran = step.do === 'run' || clock !== app.clock.now();
  await app.drain();
  const failed = value === undefined || value.status >= 500;
  if (crashed && failed && !ran && changed.length > 0)
    throw new Error(`half of ${JSON.stringify(step)} stayed: ${changed.join()}`);
}

/** What takes several requests, or none. */
const UNHARMED = ['repeat', 'customer'];

// biome-ignore lint/suspicious/noExplicitAny: rows as the driver answers them
type Row = any;

async function choose(world: World, table: string, n: number, where = 'true'): Promise<Row> {
  const rows: Row[] = await world.app.database.read(table).whereRaw(where).orderBy('id');
  return rows[n % rows.length];
}
const subAt = (world: World, n: number) => choose(world, 'subscriptions', n);
const OPEN = `status in ('issued', 'overdue')`;
const invoiceAt = async (world: World, n: number, where: string) =>
  (n % 5 === 0 ? undefined : await choose(world, 'invoices', n, where)) ?? choose(world, 'invoices', n);

async function post(world: World, path: string, body: unknown): Promise<Answer> {
  world.posts += 1;
  const key = `key-${world.posts}`;
  const answer = await world.app.api.post(path, body, { 'Idempotency-Key': key });
  world.last = { path, body, key, answer, at: world.app.clock.now() };
  return answer;
}

async function planAt(world: World, n: number): Promise<{ id: string; cycle: string }> {
  const index = n % PLANS.length;
  const known = world.plans.get(index);
  if (known) return known;
  const { given } = world.app;
  const product = await given.product({ productType: ['saas', 'licensed', 'api'][index % 3] });
  const plan = await given.plan({ productId: product.id, name: `Plan ${index}`, ...PLANS[index] });
  const made = { id: plan.id, cycle: plan.billingCycle };
  world.plans.set(index, made);
  return made;
}

async function couponAt(world: World, n: number): Promise<string> {
  const index = n % COUPONS.length;
  const code =
    world.coupons.get(index) ?? (await world.app.given.coupon({ code: `C${index}`, ...COUPONS[index] })).code;
  world.coupons.set(index, code);
  return code;
}

async function perform(world: World, step: Step): Promise<Answer | undefined> {
  const { api, clock } = world.app;
  if (step.do === 'customer') return addCustomer(world, step.place);
  if (step.do === 'subscribe') return subscribe(world, step);
  if (step.do === 'wait') return wait(world, () => clock.advance(WAITS[step.by]!), step.run);
  if (step.do === 'run') return run(world, step.job);
  if (step.do === 'repeat') return repeat(world);
  if (step.do === 'crash') return undefined;
  if (step.do === 'tax') {
    const { billingCountry: country = 'US', billingState: region = null } = PLACES[step.place]!;
    const body = { country, region, taxName: 'Tax', rate: rateText(step.rate), inclusive: step.inclusive };
    return post(world, '/api/billing/tax-rules', body);
  }
  if (step.do === 'settings') {
    const members = { paymentTermsDays: step.terms, preRenewalInvoiceDays: step.ahead };
    return api.put('/api/settings/billing', { ...members, invoicePrefix: ['INV', 'R2D2', 'A1'][step.prefix] });
  }
  if (isMoneyBack(step)) return giveBack(world.app, step, (path, body) => post(world, path, body));
  if (isLicenseStep(step)) return license(world.app, step, (path, body) => post(world, path, body));
  if (isUsage(step)) return meter(world.app, step, (path, body) => post(world, path, body));
  if ('rule' in step) return changeTax(world, step);
  if ('sub' in step) return changeSubscription(world, step);
  if (step.do === 'reprice') {
    const plan = await planAt(world, step.plan);
    return api.put(`/api/billing/plans/${plan.id}`, { basePrice: formatMoney(BigInt(step.price), 'USD') });
  }
  if (step.do === 'move') {
    const path = `/api/customers/${world.customers[step.customer % world.customers.length]}`;
    return api.put(path, { billingCountry: null, billingState: null, ...PLACES[step.place] });
  }
  return step.do === 'invoice' ? addInvoice(world, step) : changeInvoice(world, step);
}

const rateText = (rate: number) => (rate / 10_000).toFixed(4);

async function addCustomer(world: World, place: number): Promise<Answer> {
  const email = `person-${world.customers.length}@acme.example`;
  const answer = await post(world, '/api/customers', { name: 'Acme', email, ...PLACES[place] });
  if (answer.status === 201) world.customers.push(answer.body.id);
  return answer;
}

async function subscribe(world: World, step: Step & { do: 'subscribe' }): Promise<Answer> {
  const plan = await planAt(world, step.plan);
  const first = CYCLES.indexOf(plan.cycle);
  return post(world, '/api/billing/subscriptions', {
    customerId: world.customers[step.customer % world.customers.length],
    planId: plan.id,
    billingCycle: CYCLES[Math.max(first, step.cycle)],
    quantity: PLANS[step.plan % PLANS.length]!.pricingModel === 'usage_based' ? 1 : step.quantity,
    trialDays: step.trial,
    preRenewalInvoiceDays: step.ahead,
  });
}

type SubStep = Extract<Step, { sub: number }>;
async function changeSubscription(world: World, step: SubStep): Promise<Answer | undefined> {
  const { api, clock } = world.app;
  const sub = await subAt(world, step.sub);
  if (!sub) return undefined;
  const path = `/api/billing/subscriptions/${sub.id}`;
  if (isPlanStep(step)) {
    if (step.do === 'quantity') return api.put(path, { quantity: step.quantity });
    const planId = step.plan < 0 ? undefined : (await planAt(world, step.plan)).id;
    return changePlan(world.app, sub, step, planId, (to, body) => post(world, to, body));
  }
  if (step.do === 'status') return api.put(path, { status: step.status });
  if (step.do === 'cancel') return api.delete(path);
  if (step.do === 'discount')
    return post(world, `${path}/discounts`, { couponCode: await couponAt(world, step.coupon) });
  if (step.do === 'removeDiscount') {
    const discount = await choose(world, 'subscription_discounts', step.discount, `subscription_id = '${sub.id}'`);
    return discount && api.delete(`${path}/discounts/${discount.id}`);
  }
  if (step.do === 'endAtPeriodEnd') return api.put(path, { cancelAtPeriodEnd: step.value });
  if (step.do === 'ahead') return api.put(path, { preRenewalInvoiceDays: step.days });
  const at = addMilliseconds(step.ms === 0 ? sub.current_period_end : (sub.next_action_at ?? sub.created_at), step.ms);
  return at > clock.now() ? wait(world, () => clock.set(at), step.run) : undefined;
}

async function changeTax(world: World, step: Extract<Step, { rule: number }>): Promise<Answer | undefined> {
  const rule = await choose(world, 'tax_rules', step.rule);
  if (!rule) return undefined;
  const path = `/api/billing/tax-rules/${rule.id}`;
  return step.do === 'endTax' ? world.app.api.delete(path) : world.app.api.put(path, { rate: rateText(step.rate) });
}

const lineOf = (quantity: number, price: number) => ({
  description: 'Work',
  quantity: quantity / 100,
  unitPrice: formatMoney(BigInt(price), 'USD'),
});

async function addInvoice(world: World, step: Step & { do: 'invoice' }): Promise<Answer> {
  const customerId = world.customers[step.customer % world.customers.length]!;
  const sub = step.ofSub ? await choose(world, 'subscriptions', step.customer, `customer_id = '${customerId}'`) : null;
  return post(world, '/api/billing/invoices', {
    customerId,
    subscriptionId: sub?.id ?? null,
    status: step.issue ? 'issued' : 'draft',
    lineItems: step.lines.map(([quantity, price]) => lineOf(quantity, price)),
  });
}

type InvoiceStep = Extract<Step, { invoice: number }>;
async function changeInvoice(world: World, step: InvoiceStep): Promise<Answer | undefined> {
  const { api } = world.app;
  const drafts =
    step.do === 'editDraft' || step.do === 'deleteInvoice' || (step.do === 'invoiceStatus' && step.status === 'issued');
  const invoice = await invoiceAt(world, step.invoice, drafts ? `status = 'draft'` : OPEN);
  if (!invoice) return undefined;
  const path = `/api/billing/invoices/${invoice.id}`;
  if (step.do === 'invoiceStatus') return api.put(path, { status: step.status });
  if (step.do === 'editDraft') return api.put(path, { lineItems: [lineOf(100, step.price)] });
  if (step.do === 'deleteInvoice') return api.delete(path);
  const due = BigInt(invoice.amount_due);
  const part = { part: due / 3n + 1n, exact: due > 0n ? due : 1n, over: due + 1234n }[step.share];
  const reference = step.method > 2 ? `ref-${step.reference}` : null;
  const amount = formatMoney(part, invoice.currency);
  const body = { invoiceId: invoice.id, amount, paymentMethod: METHODS[step.method], providerReference: reference };
  return post(world, '/api/billing/payments', body);
}

async function wait(world: World, move: () => void, thenRun: boolean): Promise<Answer | undefined> {
  move();
  return thenRun ? run(world, world.waitJob) : undefined;
}

/** Runs a job, as cron does; nothing may fail in it. */
export async function run(world: World, job: Job): Promise<Answer> {
  const answer = await world.app.cron.post(`/api/billing/cron/${job}`);
  const errors = answer.body.errors ?? answer.body.lifecycle?.errors ?? [];
  if (answer.status !== 200 || errors.length > 0) throw new Error(`the ${job} job failed: ${answer.text}`);
  world.ran = job;
  if (job !== 'dunning') world.ranAt = world.app.clock.now();
  return answer;
}

/** The same POST with the same key answers the same bytes; a refusal is judged again and may answer otherwise. */
async function repeat(world: World): Promise<Answer | undefined> {
  if (!world.last || world.last.answer.status >= 300) return undefined;
  const { path, body, key, answer, at } = world.last;
  if (wholeDaysBetween(at, world.app.clock.now()) >= 30) return undefined; // forgotten by now
  const again = await world.app.api.post(path, body, { 'Idempotency-Key': key });
  const kept = again.headers['idempotent-replayed'] === 'true';
  if (kept && again.status === answer.status && again.text === answer.text) return again;
  throw new Error(`the repeated ${path} answered ${again.status} ${again.text} instead of ${answer.text}`);
}
