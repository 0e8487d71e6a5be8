import { addMilliseconds } from '../../src/platform/calendar.ts';
import type { Api, TestApp } from './app.ts';
import type { Sent } from './outcomes.ts';
import { UNKNOWN_ID } from './refusals.ts';
import type { Make } from './refused-requests.ts';
import {
  creditNote,
  creditNoteOf,
  creditOf,
  park,
  parkedItem,
  payment,
  paymentOf,
  planChange,
  refundOf,
  unique,
  usageOf,
  usageSubscription,
  VALID,
  type Worlds,
} from './valid-requests.ts';

const CROSS_SITE = { 'Sec-Fetch-Site': 'cross-site' };

/** Refusals that need a state: operation, code, and how to come to it. A v1 operation is refused as its twin is. */
export const BY_STATE: [operation: string, code: string, make: Make][] = [
  ['getReady', 'service_unavailable', async ({ unready }) => ({ as: unready.anonymous })],
  ['getMetrics', 'unauthorized', async ({ small }) => ({ as: small.anonymous })],
  ['login', 'invalid_credentials', async ({ app }) => ({ body: { email: app.admin.email, password: 'wrong' } })],
  ['login', 'forbidden', async () => ({ body: { email: 'a@acme.example', password: 'x' }, headers: CROSS_SITE })],
  ['login', 'rate_limited', ({ app }) => tooManyLogins(app)],
  ['logout', 'forbidden', async () => ({ headers: CROSS_SITE })],
  ['changePassword', 'invalid_credentials', async (worlds) => wrongPassword(await VALID.changePassword!(worlds))],
  ['changePassword', 'conflict', async (worlds) => withoutPassword(worlds.app, await VALID.changePassword!(worlds))],
  ['createUser', 'already_exists', async ({ app }) => ({ body: newUser((await app.given.user()).email) })],
  ['createUser', 'not_found', async () => ({ body: { ...newUser(), role: 'customer', customerId: UNKNOWN_ID } })],
  ['createUser', 'idempotency_in_progress', ({ app }) => runningKey(app, '/users', { body: newUser() })],
  ['updateUser', 'already_exists', ({ app }) => takenEmail(app.given.user, app.given.user)],
  ['updateUser', 'conflict', ({ small }) => demoteLastAdmin(small)],
  ['deleteUser', 'conflict', async ({ app }) => ({ id: (await app.api.get('/api/auth/me')).body.user.id })],
  ['createApiKey', 'not_found', async () => ({ body: { name: 'Integration', customerId: UNKNOWN_ID } })],
  ['revokeApiKeysOfUser', 'not_found', async () => ({ body: { createdBy: UNKNOWN_ID } })],
  [
    'updateProduct',
    'conflict',
    async ({ app }) => ({ id: (await app.given.plan()).productId, body: { productType: 'api' } }),
  ],
  ['deleteProduct', 'delete_conflict', async ({ app }) => ({ id: (await app.given.plan()).productId })],
  ['createCustomer', 'already_exists', async ({ app }) => ({ body: await sameCustomer(app) })],
  ['updateCustomer', 'already_exists', ({ app }) => takenEmail(app.given.customer, app.given.customer)],
  ['deleteCustomer', 'delete_conflict', async ({ app }) => ({ id: (await app.given.subscription()).customerId })],
  ['createPlan', 'not_found', async (worlds) => withMember(await VALID.createPlan!(worlds), 'productId', UNKNOWN_ID)],
  ['createPlan', 'conflict', async (worlds) => planOfArchived(worlds.app, await VALID.createPlan!(worlds))],
  ['deletePlan', 'delete_conflict', async ({ app }) => ({ id: (await app.given.subscription()).planId })],
  ['createTaxRule', 'already_exists', ({ app }) => sameTaxRule(app)],
  ['updateTaxRule', 'already_exists', ({ app }) => overlappingTaxRule(app)],
  ['updateTaxRule', 'conflict', ({ app }) => endedTaxRule(app)],
  ['v1CreateSubscription', 'already_exists', ({ app }) => takenCoupon(app)],
  [
    'createSubscription',
    'not_found',
    async (worlds) => withMember(await VALID.createSubscription!(worlds), 'customerId', UNKNOWN_ID),
  ],
  [
    'createSubscription',
    'plan_not_found',
    async (worlds) => withMember(await VALID.createSubscription!(worlds), 'planId', UNKNOWN_ID),
  ],
  [
    'updateSubscription',
    'subscription_not_active',
    async ({ app }) => ({ id: (await app.given.subscription({ trialDays: 7 })).id, body: { status: 'paused' } }),
  ],
  ['updateSubscription', 'conflict', ({ app }) => reviveCanceled(app)],
  ['createSubscription', 'currency_mismatch', (worlds) => sellWith(worlds, OTHER_CURRENCY)],
  ['createSubscription', 'coupon_expired', (worlds) => sellWith(worlds, { active: false })],
  ['createSubscription', 'coupon_usage_exceeded', async (worlds) => soldOut(worlds.app, await sellWith(worlds))],
  ...['changeSubscriptionPlan', 'previewSubscriptionPlanChange'].flatMap((id): typeof BY_STATE => [
    [id, 'plan_not_found', async ({ app }) => withMember(await planChange(app), 'newPlanId', UNKNOWN_ID)],
    [id, 'plan_not_found', ({ app }) => planChange(app, { active: false })],
    [id, 'currency_mismatch', ({ app }) => planChange(app, { currency: 'EUR' })],
    [id, 'subscription_not_active', async ({ app }) => canceled(app, await planChange(app))],
    [id, 'validation_error', async ({ app }) => withMember(await planChange(app), 'quantity', 0)],
    [id, 'conflict', async ({ app }) => parkedWhileDue(app, await planChange(app))],
    [id, 'conflict', ({ app }) => changeOfEnding(app)],
  ]),
  [
    'changeSubscriptionPlan',
    'quote_stale',
    async ({ app }) => withMember(await planChange(app), 'quoteToken', 'e30.not-ours'),
  ],
  ['previewSubscriptionPlanChange', 'idempotency_in_progress', ({ app }) => runningPreview(app)],
  ['addSubscriptionDiscount', 'subscription_not_active', async ({ app }) => canceled(app, await discounted(app))],
  ['addSubscriptionDiscount', 'currency_mismatch', ({ app }) => discounted(app, OTHER_CURRENCY)],
  ['addSubscriptionDiscount', 'coupon_expired', ({ app }) => discounted(app, { active: false })],
  ['addSubscriptionDiscount', 'coupon_usage_exceeded', async ({ app }) => soldOut(app, await discounted(app))],
  ['addSubscriptionDiscount', 'already_exists', ({ app }) => discountedAlready(app)],
  ['addSubscriptionDiscount', 'conflict', async ({ app }) => parkedWhileDue(app, await discounted(app))],
  [
    'removeSubscriptionDiscount',
    'subscription_not_active',
    async (worlds) => canceled(worlds.app, await VALID.removeSubscriptionDiscount!(worlds)),
  ],
  [
    'removeSubscriptionDiscount',
    'conflict',
    async (worlds) => parkedWhileDue(worlds.app, await VALID.removeSubscriptionDiscount!(worlds)),
  ],
  ['createCoupon', 'already_exists', async ({ app }) => ({ body: couponOf((await app.given.coupon()).code) })],
  ['createCoupon', 'plan_not_found', async () => ({ body: { ...couponOf(unique()), appliesTo: [UNKNOWN_ID] } })],
  ['updateCoupon', 'conflict', async ({ app }) => ({ id: await redeemed(app), body: { discountValue: '99' } })],
  [
    'updateCoupon',
    'plan_not_found',
    async ({ app }) => ({ id: (await app.given.coupon()).id, body: { appliesTo: [UNKNOWN_ID] } }),
  ],
  ['deleteCoupon', 'delete_conflict', async ({ app }) => ({ id: await redeemed(app) })],
  [
    'createInvoice',
    'not_found',
    async (worlds) => withMember(await VALID.createInvoice!(worlds), 'customerId', UNKNOWN_ID),
  ],
  [
    'createInvoice',
    'not_found',
    async (worlds) => withMember(await VALID.createInvoice!(worlds), 'subscriptionId', UNKNOWN_ID),
  ],
  [
    'createInvoice',
    'currency_mismatch',
    async (worlds) => otherCurrency(worlds.app, await VALID.createInvoice!(worlds)),
  ],
  [
    'updateInvoice',
    'invoice_already_paid',
    async ({ app }) => ({ id: await paidInvoice(app), body: { status: 'void' } }),
  ],
  ['updateInvoice', 'invoice_voided', async ({ app }) => ({ id: await voidInvoice(app), body: { status: 'paid' } })],
  ['updateInvoice', 'currency_mismatch', ({ app }) => otherCurrencyOfDraft(app)],
  ['updateInvoice', 'conflict', async ({ app }) => ({ id: (await app.given.invoice()).id, body: { dueDate: null } })],
  ['createSubscription', 'provider_error', (worlds) => sellUntaxable(worlds)],
  ['updateSubscription', 'provider_error', ({ app }) => endTrialUntaxable(app)],
  ['changeSubscriptionPlan', 'provider_error', (worlds) => changeUntaxable(worlds)],
  ['previewSubscriptionPlanChange', 'provider_error', (worlds) => changeUntaxable(worlds)],
  [
    'getUpcomingInvoice',
    'provider_error',
    async (worlds) => movedUntaxable(worlds.app, await VALID.getUpcomingInvoice!(worlds)),
  ],
  ['createInvoice', 'provider_error', (worlds) => invoiceUntaxable(worlds)],
  ['updateInvoice', 'provider_error', ({ app }) => issueUntaxable(app)],
  ['deleteInvoice', 'conflict', async ({ app }) => ({ id: (await app.given.invoice()).id })],
  ['sendInvoice', 'provider_not_configured', async ({ small }) => ({ id: UNKNOWN_ID, body: {}, as: small.api })],
  ['sendInvoice', 'invoice_voided', async ({ app }) => ({ id: await voidInvoice(app), body: {} })],
  ['sendInvoice', 'conflict', async ({ app }) => ({ id: (await app.given.invoice({ status: 'draft' })).id, body: {} })],
  ['createPayment', 'not_found', async () => ({ body: paymentOf(UNKNOWN_ID) })],
  ['createPayment', 'invoice_already_paid', async ({ app }) => ({ body: paymentOf(await paidInvoice(app)) })],
  ['createPayment', 'invoice_voided', async ({ app }) => ({ body: paymentOf(await voidInvoice(app)) })],
  ['createPayment', 'already_exists', async ({ app }) => ({ body: await takenReference(app) })],
  [
    'createPayment',
    'conflict',
    async ({ app }) => ({ body: paymentOf((await app.given.invoice({ status: 'draft' })).id) }),
  ],
  ['updatePayment', 'already_exists', ({ app }) => changeToTakenReference(app)],
  ['createRefund', 'not_found', async () => ({ body: refundOf(UNKNOWN_ID) })],
  [
    'createRefund',
    'refund_exceeds_payment',
    async ({ app }) => ({ body: refundOf((await payment(app)).id, { amount: '10.01' }) }),
  ],
  [
    'createRefund',
    'provider_not_configured',
    async ({ app }) => ({ body: refundOf((await payment(app, { paymentMethod: 'stripe' })).id) }),
  ],
  ['createRefund', 'conflict', ({ app }) => refundOfPending(app)],
  ['createCreditNote', 'not_found', async () => ({ body: creditNoteOf(UNKNOWN_ID) })],
  ['createCreditNote', 'invoice_voided', async ({ app }) => ({ body: creditNoteOf(await voidInvoice(app)) })],
  [
    'createCreditNote',
    'conflict',
    async ({ app }) => ({ body: creditNoteOf((await app.given.invoice({ status: 'draft' })).id) }),
  ],
  ['updateCreditNote', 'invoice_voided', ({ app }) => issueOnVoid(app)],
  ['updateCreditNote', 'conflict', async ({ app }) => ({ id: await creditNote(app), body: { reason: 'Another' } })],
  ['createCredit', 'not_found', async () => ({ body: creditOf(UNKNOWN_ID) })],
  [
    'createCredit',
    'insufficient_credit',
    async ({ app }) => ({ body: creditOf((await app.given.customer()).id, '-0.01') }),
  ],
  [
    'getUpcomingInvoice',
    'subscription_not_active',
    async (worlds) => canceled(worlds.app, await VALID.getUpcomingInvoice!(worlds)),
  ],
  ['recordUsage', 'not_found', async () => ({ body: usageOf(UNKNOWN_ID) })],
  [
    'recordUsage',
    'validation_error',
    async (worlds) => withMember(await VALID.recordUsage!(worlds), 'metricName', 'other'),
  ],
  ['recordUsage', 'validation_error', async () => ({ body: Array(1001).fill({}) })],
  ['recordUsage', 'subscription_not_active', async ({ app }) => ({ body: await usageAfterTheEnd(app) })],
  ['recordUsage', 'idempotency_key_reused', ({ app }) => usedUsageKey(app)],
  ['retryParked', 'conflict', ({ app }) => stillFailing(app)],
  ['retryParked', 'idempotency_in_progress', ({ app }) => runningRetry(app)],
  [
    'createLicense',
    'not_found',
    async (worlds) => withMember(await VALID.createLicense!(worlds), 'customerId', UNKNOWN_ID),
  ],
  [
    'createLicense',
    'not_found',
    async (worlds) => withMember(await VALID.createLicense!(worlds), 'productId', UNKNOWN_ID),
  ],
  [
    'createLicense',
    'not_found',
    async (worlds) => withMember(await VALID.createLicense!(worlds), 'subscriptionId', UNKNOWN_ID),
  ],
  ['createLicense', 'already_exists', (worlds) => takenKey(worlds)],
  [
    'updateLicense',
    'license_revoked',
    async ({ app }) => ({ id: await licenseThatIs(app, 'revoked'), body: { maxActivations: 2 } }),
  ],
  [
    'updateLicense',
    'license_expired',
    async ({ app }) => ({ id: await licenseThatIs(app, 'expired'), body: { status: 'active' } }),
  ],
  ['signLicense', 'license_revoked', async ({ app }) => ({ id: await licenseThatIs(app, 'revoked') })],
  ['signLicense', 'license_suspended', async ({ app }) => ({ id: await licenseThatIs(app, 'suspended') })],
  ['signLicense', 'license_expired', async ({ app }) => ({ id: await licenseThatIs(app, 'expired') })],
  ['signLicense', 'conflict', ({ small }) => withoutSigningKey(small)],
  ['exportLicense', 'conflict', async ({ app }) => ({ id: (await app.given.license()).licenseKey })],
  [
    'deleteLicenseActivation',
    'not_found',
    async ({ app }) => ({ id: (await app.given.license()).licenseKey, below: 'x' }),
  ],
  ['verifyLicense', 'license_not_found', async () => ({ body: { licenseKey: 'NOBODY-HAS-THIS' } })],
  ['verifyLicense', 'validation_error', async () => ({ body: { file: 'no file' } })],
  ['v1VerifyLicense', 'idempotency_in_progress', (worlds) => runningCheck(worlds, 'verify')],
  ['validateLicense', 'license_not_found', async () => ({ body: { licenseKey: 'NOBODY-HAS-THIS', deviceId: 'x' } })],
  ['v1ValidateLicense', 'idempotency_in_progress', (worlds) => runningCheck(worlds, 'validate')],
  ['getTestClock', 'not_found', async () => ({})],
  ['setTestClock', 'not_found', async () => ({ body: { now: '2100-01-01T00:00:00Z' } })],
  ['setTestClock', 'conflict', async ({ moving }) => ({ as: moving.api, body: { now: '2000-01-01T00:00:00Z' } })],
];

const OTHER_CURRENCY = { discountType: 'fixed_amount', discountValue: '5', currency: 'EUR' };
const couponOf = (code: string) => ({ code: code.toUpperCase(), discountType: 'percentage', discountValue: '10' });

async function sellWith(worlds: Worlds, coupon: object = {}): Promise<Sent> {
  const { code } = await worlds.app.given.coupon({ ...coupon });
  return withMember(await VALID.createSubscription!(worlds), 'couponCode', code);
}

async function discounted(app: TestApp, coupon: object = {}): Promise<Sent> {
  const { code: couponCode } = await app.given.coupon({ ...coupon });
  return { id: (await app.given.subscription()).id, body: { couponCode } };
}

async function discountedAlready(app: TestApp): Promise<Sent> {
  const sent = await discounted(app);
  await app.api.post(`/api/billing/subscriptions/${sent.id}/discounts`, sent.body);
  return sent;
}

/** The coupon was on another subscription of the customer whose key it is. */
async function takenCoupon(app: TestApp): Promise<Sent> {
  const { code: couponCode } = await app.given.coupon();
  const { customerId, planId } = await app.given.subscription({ couponCode });
  const as = app.withKey((await app.given.apiKey({ customerId })).key);
  return { as, body: { customerId, planId, billingCycle: 'monthly', couponCode } };
}

async function canceled(app: TestApp, sent: Sent): Promise<Sent> {
  await app.api.delete(`/api/billing/subscriptions/${sent.id}`);
  return sent;
}

async function changeOfEnding(app: TestApp): Promise<Sent> {
  const sent = await planChange(app);
  await app.api.put(`/api/billing/subscriptions/${sent.id}`, { cancelAtPeriodEnd: true });
  return withMember(sent, 'effective', 'period_end');
}

/** The one redemption there is has been used. */
async function soldOut(app: TestApp, sent: Sent): Promise<Sent> {
  const { couponCode } = sent.body as { couponCode: string };
  const [{ id }] = (await app.api.get(`/api/billing/coupons?code=${couponCode}`)).body;
  await app.api.put(`/api/billing/coupons/${id}`, { maxRedemptions: 1 });
  await app.given.subscription({ couponCode });
  return sent;
}

async function redeemed(app: TestApp): Promise<string> {
  const { id, code } = await app.given.coupon();
  await app.given.subscription({ couponCode: code });
  return id;
}

/** The period is over, and the billing of the subscription is parked. */
async function parkedWhileDue(app: TestApp, sent: Sent): Promise<Sent> {
  const { id, now } = { id: sent.id!, now: app.clock.now() };
  await app.database
    .write('subscriptions')
    .where({ id })
    .update({ current_period_end: addMilliseconds(now, 1) });
  app.clock.advance({ ms: 2 });
  await park(app, id);
  return sent;
}

async function usageAfterTheEnd(app: TestApp) {
  const id = await usageSubscription(app);
  await app.api.delete(`/api/billing/subscriptions/${id}`);
  return usageOf(id);
}

async function usedUsageKey(app: TestApp): Promise<Sent> {
  const event = usageOf(await usageSubscription(app), { idempotencyKey: unique() });
  await app.api.post('/api/billing/usage', event);
  return { body: { ...event, value: '7' } };
}

const newUser = (email = `${unique()}@acme.example`) => ({ email, name: 'Ada', role: 'admin' });
const withMember = ({ body, ...rest }: Sent, name: string, value: unknown): Sent => ({
  ...rest,
  body: { ...(body as object), [name]: value },
});
const wrongPassword = (sent: Sent): Sent => withMember(sent, 'currentPassword', 'not the password at all');

async function tooManyLogins(app: TestApp): Promise<Sent> {
  const body = { email: `${unique()}@acme.example`, password: 'wrong' };
  for (let tries = 0; tries < 5; tries++) await app.anonymous.post('/api/auth/login', body);
  return { body };
}

async function withoutPassword(app: TestApp, sent: Sent): Promise<Sent> {
  const { id } = (await sent.as!.get('/api/auth/me')).body.user;
  await app.database.write('users').where({ id }).update({ password_hash: null, auth_provider: 'sso' });
  return sent;
}

async function takenEmail(one: () => Promise<{ email: string }>, other: () => Promise<{ id: string }>): Promise<Sent> {
  const { email } = await one();
  return { id: (await other()).id, body: { email: email.toUpperCase() } };
}

async function demoteLastAdmin(app: TestApp): Promise<Sent> {
  const { id } = (await app.api.get('/api/auth/me')).body.user;
  const customerId = (await app.given.customer()).id;
  return { as: app.api, id, body: { role: 'customer', customerId } };
}

async function sameCustomer(app: TestApp) {
  const { email } = await app.given.customer();
  return { name: 'Acme again', email: email.toUpperCase() };
}

async function planOfArchived(app: TestApp, sent: Sent): Promise<Sent> {
  return withMember(sent, 'productId', (await app.given.product({ status: 'archived' })).id);
}

async function sameTaxRule(app: TestApp): Promise<Sent> {
  const { region } = await app.given.taxRule({ region: unique() });
  return { body: { country: 'US', region, taxName: 'Sales Tax', rate: '0.05' } };
}

async function overlappingTaxRule(app: TestApp): Promise<Sent> {
  const region = unique();
  const { id } = await app.given.taxRule({ region, effectiveFrom: '2026-01-01', effectiveTo: '2030-01-01' });
  await app.given.taxRule({ region, effectiveFrom: '2030-01-01' });
  return { id, body: { effectiveTo: null } };
}

async function endedTaxRule(app: TestApp): Promise<Sent> {
  const rule = await app.given.taxRule({ region: unique(), effectiveFrom: '2020-01-01', effectiveTo: '2021-01-01' });
  return { id: rule.id, body: { rate: '0.05' } };
}

async function reviveCanceled(app: TestApp): Promise<Sent> {
  const { id } = await app.given.subscription();
  await app.api.delete(`/api/billing/subscriptions/${id}`);
  return { id, body: { status: 'active' } };
}

/** A customer whose tax only a provider knows, which does not answer; customers without a country need none. */
async function untaxable(app: TestApp): Promise<string> {
  const settings = { externalProvider: 'taxjar', taxjarApiKey: 'never-asked', enabled: true };
  await app.api.put('/api/settings/providers/tax', settings);
  return (await app.given.customer({ billingCountry: 'FR' })).id;
}

async function sellUntaxable(worlds: Worlds): Promise<Sent> {
  return withMember(await VALID.createSubscription!(worlds), 'customerId', await untaxable(worlds.app));
}

async function endTrialUntaxable(app: TestApp): Promise<Sent> {
  const { id } = await app.given.subscription({ customerId: await untaxable(app), trialDays: 7 });
  return { id, body: { status: 'active' } };
}

/** The customer of a subscription has moved to where only the provider knows the tax. */
async function movedUntaxable(app: TestApp, sent: Sent): Promise<Sent> {
  await untaxable(app);
  const { customerId } = (await app.api.get(`/api/billing/subscriptions/${sent.id}`)).body;
  await app.api.put(`/api/customers/${customerId}`, { billingCountry: 'FR' });
  return sent;
}

async function changeUntaxable(worlds: Worlds): Promise<Sent> {
  return movedUntaxable(worlds.app, await VALID.changeSubscriptionPlan!(worlds));
}

async function invoiceUntaxable(worlds: Worlds): Promise<Sent> {
  return withMember(await VALID.createInvoice!(worlds), 'customerId', await untaxable(worlds.app));
}

async function issueUntaxable(app: TestApp): Promise<Sent> {
  const { id, customerId } = await app.given.invoice({ status: 'draft' });
  await untaxable(app);
  await app.api.put(`/api/customers/${customerId}`, { billingCountry: 'FR' });
  return { id, body: { status: 'issued' } };
}

async function otherCurrency(app: TestApp, sent: Sent): Promise<Sent> {
  const { id, customerId } = await app.given.subscription();
  return { ...sent, body: { ...(sent.body as object), customerId, subscriptionId: id, currency: 'EUR' } };
}

async function otherCurrencyOfDraft(app: TestApp): Promise<Sent> {
  const { id: subscriptionId, customerId } = await app.given.subscription();
  const draft = await app.given.invoice({ customerId, subscriptionId, status: 'draft' });
  return { id: draft.id, body: { currency: 'EUR' } };
}

async function paidInvoice(app: TestApp): Promise<string> {
  const { id } = await app.given.invoice();
  await app.api.put(`/api/billing/invoices/${id}`, { status: 'paid' });
  return id;
}

async function voidInvoice(app: TestApp): Promise<string> {
  const { id } = await app.given.invoice();
  await app.api.put(`/api/billing/invoices/${id}`, { status: 'void' });
  return id;
}

async function takenReference(app: TestApp) {
  const reference = { paymentMethod: 'stripe', providerReference: `pi_${unique()}` };
  await payment(app, reference);
  return paymentOf((await app.given.invoice()).id, reference);
}

async function changeToTakenReference(app: TestApp): Promise<Sent> {
  const providerReference = `pi_${unique()}`;
  await payment(app, { paymentMethod: 'stripe', providerReference });
  return { id: (await payment(app, { paymentMethod: 'stripe' })).id, body: { providerReference } };
}

async function refundOfPending(app: TestApp): Promise<Sent> {
  const { id } = await payment(app);
  const unfinished = { status: 'pending', applied_amount: 0, credited_amount: 0 };
  await app.database.write('payments').where({ id }).update(unfinished);
  return { body: refundOf(id) };
}

async function issueOnVoid(app: TestApp): Promise<Sent> {
  const { id: invoiceId } = await app.given.invoice();
  const answer = await app.api.post('/api/billing/credit-notes', creditNoteOf(invoiceId, { status: 'draft' }));
  await app.api.put(`/api/billing/invoices/${invoiceId}`, { status: 'void' });
  return { id: answer.body.id, body: { status: 'issued' } };
}

/** A trial whose first invoice is beyond every amount: the end of the trial cannot be billed. */
async function stillFailing(app: TestApp): Promise<Sent> {
  const plan = await app.given.plan({
    pricingModel: 'per_unit',
    basePrice: '0.00',
    unitPrice: '999999999999.99',
    trialDays: 1,
  });
  const { id, customerId } = await app.given.subscription({ planId: plan.id });
  await app.database.write('subscriptions').where({ id }).update({ quantity: 999_999_999 });
  app.clock.advance({ days: 1 });
  await app.cron.post('/api/billing/cron/lifecycle');
  const parked = (await app.api.get(`/api/billing/parked?customerId=${customerId}`)).body;
  if (parked[0]?.subscriptionId !== id) throw new Error('the subscription is not parked');
  return { id: parked[0].id };
}

/** The request as it is, with a key under which everybody who might send it has it running already. */
async function runningKey(app: TestApp, path: string, sent: Sent): Promise<Sent> {
  const { user } = (await app.api.get('/api/auth/me')).body;
  const keys: { id: string }[] = await app.database.read('api_keys').select('id');
  const bytes = sent.body === undefined ? '' : JSON.stringify(sent.body);
  const [key, now] = [unique(), app.clock.now()];
  const running = (scope: string, base: string) => ({
    scope,
    key,
    method: 'POST',
    path: `${base}${path}`,
    body_hash: app.runtime.vault.fingerprints(bytes)[0],
    state: 'in_progress',
    locked_until: addMilliseconds(now, 60_000),
    created_at: now,
    expires_at: addMilliseconds(now, 86_400_000),
  });
  const rows = [running(`user:${user.id}`, '/api'), ...keys.map(({ id }) => running(`key:${id}`, '/api/v1'))];
  await app.database.write('idempotency_keys').insert(rows);
  return { ...sent, headers: { 'Idempotency-Key': key } };
}

async function runningRetry(app: TestApp): Promise<Sent> {
  const id = await parkedItem(app);
  return runningKey(app, `/billing/parked/${id}/retry`, { id });
}

async function runningPreview(app: TestApp): Promise<Sent> {
  const sent = await planChange(app);
  return runningKey(app, `/billing/subscriptions/${sent.id}/change-plan/preview`, sent);
}

async function takenKey(worlds: Worlds): Promise<Sent> {
  const { licenseKey } = await worlds.app.given.license();
  return withMember(await VALID.createLicense!(worlds), 'licenseKey', licenseKey.toLowerCase());
}

async function licenseThatIs(app: TestApp, status: 'revoked' | 'suspended' | 'expired'): Promise<string> {
  const { licenseKey } = await app.given.license();
  const past = addMilliseconds(app.clock.now(), -1);
  await app.api.put(`/api/licenses/${licenseKey}`, status === 'expired' ? { expiresAt: past } : { status });
  return licenseKey;
}

/** On a server of which nobody has made a signing key. */
async function withoutSigningKey(app: TestApp): Promise<Sent> {
  const { key } = await app.given.apiKey();
  const of = (path: string) => (path.startsWith('/api/v1/') ? app.withKey(key) : app.api);
  const either: Api = { ...app.api, post: (path, body, headers) => of(path).post(path, body, headers) };
  return { id: (await app.given.license()).licenseKey, as: either };
}

async function runningCheck({ app }: Worlds, check: 'verify' | 'validate'): Promise<Sent> {
  const { id, key } = await app.given.apiKey();
  const headers = { 'Idempotency-Key': unique() };
  const device = check === 'validate' ? { deviceId: 'x' } : {};
  const body = JSON.stringify({ licenseKey: (await app.given.license()).licenseKey, ...device });
  await app.database.write('idempotency_keys').insert({
    scope: `key:${id}`,
    key: headers['Idempotency-Key'],
    method: 'POST',
    path: `/api/v1/licenses/${check}`,
    body_hash: app.runtime.vault.fingerprints(body)[0],
    state: 'in_progress',
    locked_until: addMilliseconds(app.clock.now(), 60_000),
    created_at: app.clock.now(),
    expires_at: addMilliseconds(app.clock.now(), 86_400_000),
  });
  return { as: app.withKey(key), body, headers: { ...headers, 'Content-Type': 'application/json' } };
}
