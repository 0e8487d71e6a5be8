import type { TestApp } from './app.ts';
import type { Sent } from './outcomes.ts';

/** The worlds that the operations need: most of them only `app`. */
export interface Worlds {
  app: TestApp;
  /** TEST_CLOCK=on. */
  moving: TestApp;
}
type Make = (worlds: Worlds) => Promise<Sent>;

const PASSWORD = 'a password that is long';
let count = 0;
export const unique = (): string => `${Date.now().toString(36)}${++count}`;
const nothing: Make = async () => ({});

/** A request that succeeds, for each operation; a v1 operation sends what its twin sends. Each call makes its own rows. */
export const VALID: Record<string, Make> = {
  getHealth: nothing,
  getReady: nothing,
  getMetrics: nothing,
  getOpenapiJson: nothing,
  getOpenapiYaml: nothing,
  getDocs: nothing,
  login: async ({ app }) => ({ body: { email: app.admin.email, password: app.admin.password } }),
  logout: nothing,
  getMe: nothing,
  async changePassword({ app }) {
    const { email } = await app.given.user({ password: PASSWORD });
    const { headers } = await app.anonymous.post('/api/auth/login', { email, password: PASSWORD });
    const token = /session=([^;]+)/.exec(String(headers['set-cookie']))![1]!;
    return { as: app.withSession(token), body: { currentPassword: PASSWORD, newPassword: 'another long password' } };
  },
  listUsers: nothing,
  createUser: async () => ({ body: { email: `${unique()}@acme.example`, name: 'Ada', role: 'admin' } }),
  updateUser: async ({ app }) => ({ id: (await app.given.user()).id, body: { name: 'Grace' } }),
  deleteUser: async ({ app }) => ({ id: (await app.given.user()).id }),
  listApiKeys: nothing,
  createApiKey: async () => ({ body: { name: 'Integration' } }),
  revokeApiKey: async ({ app }) => ({ id: (await app.given.apiKey()).id }),
  revokeApiKeysOfUser: async ({ app }) => ({ body: { createdBy: (await app.given.user()).id } }),
  listProducts: nothing,
  createProduct: async () => ({ body: { name: 'Pro', productType: 'saas', price: '49.99' } }),
  getProduct: async ({ app }) => ({ id: (await app.given.product()).id }),
  updateProduct: async ({ app }) => ({ id: (await app.given.product()).id, body: { name: 'Team' } }),
  deleteProduct: async ({ app }) => ({ id: (await app.given.product()).id }),
  listCustomers: nothing,
  createCustomer: async () => ({ body: { name: 'Acme', email: `${unique()}@acme.example` } }),
  getCustomer: async ({ app }) => ({ id: (await app.given.customer()).id }),
  updateCustomer: async ({ app }) => ({ id: (await app.given.customer()).id, body: { company: 'Acme Inc' } }),
  deleteCustomer: async ({ app }) => ({ id: (await app.given.customer()).id }),
  listPlans: nothing,
  createPlan: async ({ app }) => ({
    body: {
      productId: (await app.given.product()).id,
      name: 'Pro Monthly',
      pricingModel: 'flat',
      billingCycle: 'monthly',
      basePrice: '49.99',
    },
  }),
  getPlan: async ({ app }) => ({ id: (await app.given.plan()).id }),
  updatePlan: async ({ app }) => ({ id: (await app.given.plan()).id, body: { basePrice: '59.99' } }),
  deletePlan: async ({ app }) => ({ id: (await app.given.plan()).id }),
  listTaxRules: nothing,
  createTaxRule: async () => ({ body: { country: 'US', region: unique(), taxName: 'Sales Tax', rate: '0.07' } }),
  updateTaxRule: async ({ app }) => ({
    id: (await app.given.taxRule({ region: unique() })).id,
    body: { rate: '0.08' },
  }),
  deleteTaxRule: async ({ app }) => ({ id: (await app.given.taxRule({ region: unique() })).id }),
  listSubscriptions: nothing,
  createSubscription: async ({ app }) => ({
    body: {
      customerId: (await app.given.customer()).id,
      planId: (await app.given.plan()).id,
      billingCycle: 'monthly',
    },
  }),
  getSubscription: async ({ app }) => ({ id: (await app.given.subscription()).id }),
  updateSubscription: async ({ app }) => ({
    id: (await app.given.subscription()).id,
    body: { metadata: { plan: 'gold' } },
  }),
  cancelSubscription: async ({ app }) => ({ id: (await app.given.subscription()).id }),
  changeSubscriptionPlan: ({ app }) => planChange(app),
  previewSubscriptionPlanChange: ({ app }) => planChange(app),
  async addSubscriptionDiscount({ app }) {
    return { id: (await app.given.subscription()).id, body: { couponCode: (await app.given.coupon()).code } };
  },
  async removeSubscriptionDiscount({ app }) {
    const { id, discounts } = await app.given.subscription({ couponCode: (await app.given.coupon()).code });
    return { id, below: discounts[0].id };
  },
  listCoupons: nothing,
  createCoupon: async () => ({ body: { code: unique(), discountType: 'percentage', discountValue: '12.5' } }),
  getCoupon: async ({ app }) => ({ id: (await app.given.coupon()).id }),
  updateCoupon: async ({ app }) => ({ id: (await app.given.coupon()).id, body: { discountValue: '25' } }),
  deleteCoupon: async ({ app }) => ({ id: (await app.given.coupon()).id }),
  listInvoices: nothing,
  createInvoice: async ({ app }) => ({
    body: {
      customerId: (await app.given.customer()).id,
      lineItems: [{ description: 'Consulting', quantity: 2, unitPrice: '75.00' }],
    },
  }),
  getInvoice: async ({ app }) => ({ id: (await app.given.invoice()).id }),
  updateInvoice: async ({ app }) => ({ id: (await app.given.invoice()).id, body: { notes: 'Thank you' } }),
  deleteInvoice: async ({ app }) => ({ id: (await app.given.invoice({ status: 'draft' })).id }),
  getInvoicePdf: async ({ app }) => ({ id: (await app.given.invoice()).id }),
  sendInvoice: async ({ app }) => ({ id: (await app.given.invoice()).id, body: { to: 'ap@acme.example' } }),
  explainInvoice: async ({ app }) => ({ id: (await app.given.invoice()).id }),
  listPayments: nothing,
  createPayment: async ({ app }) => ({ body: paymentOf((await app.given.invoice()).id) }),
  getPayment: async ({ app }) => ({ id: (await payment(app)).id }),
  updatePayment: async ({ app }) => ({ id: (await payment(app)).id, body: { notes: 'By wire' } }),
  listRefunds: nothing,
  createRefund: async ({ app }) => ({ body: refundOf((await payment(app)).id) }),
  getRefund: async ({ app }) => ({
    id: await made(app, '/api/billing/refunds', refundOf((await payment(app)).id)),
  }),
  listCreditNotes: nothing,
  createCreditNote: async ({ app }) => ({ body: creditNoteOf((await app.given.invoice()).id) }),
  getCreditNote: async ({ app }) => ({ id: await creditNote(app) }),
  updateCreditNote: async ({ app }) => ({ id: await creditNote(app), body: { status: 'void' } }),
  listCredits: nothing,
  createCredit: async ({ app }) => ({ body: creditOf((await app.given.customer()).id) }),
  listLicenses: nothing,
  createLicense: async ({ app }) => ({
    body: { customerId: (await app.given.customer()).id, productId: (await app.given.product()).id, maxActivations: 5 },
  }),
  getLicense: async ({ app }) => ({ id: (await app.given.license()).licenseKey }),
  updateLicense: async ({ app }) => ({ id: (await app.given.license()).licenseKey, body: { maxActivations: 2 } }),
  deleteLicense: async ({ app }) => ({ id: (await app.given.license()).licenseKey }),
  signLicense: async ({ app }) => ({ id: await signable(app) }),
  exportLicense: async ({ app }) => ({ id: await signedLicense(app) }),
  listLicenseActivations: async ({ app }) => ({ id: (await activation(app)).id }),
  deleteLicenseActivation: async ({ app }) => activation(app),
  getLicenseKeypair: nothing,
  rotateLicenseKeypair: nothing,
  getJwks: nothing,
  verifyLicense: async ({ app }) => ({ body: { licenseKey: (await app.given.license()).licenseKey } }),
  validateLicense: async ({ app }) => ({
    body: { licenseKey: (await app.given.license()).licenseKey, deviceId: 'laptop' },
  }),
  getUpcomingInvoice: async ({ app }) => ({ id: (await app.given.subscription()).id }),
  listUsage: nothing,
  recordUsage: async ({ app }) => ({ body: usageOf(await usageSubscription(app)) }),
  getUsageSummary: async ({ app }) => ({ id: await usageSubscription(app) }),
  voidUsageEvent: async ({ app }) => ({
    id: await made(app, '/api/billing/usage', usageOf(await usageSubscription(app))),
  }),
  listEvents: nothing,
  async getEvent({ app }) {
    await app.given.invoice();
    await app.drain();
    return { id: (await app.api.get('/api/billing/events?limit=1')).body[0].id };
  },
  runLifecycleJob: nothing,
  runDunningJob: nothing,
  runLicensesJob: nothing,
  runWebhooksJob: nothing,
  runAllJobs: nothing,
  getAnalyticsReconcile: nothing,
  getBillingCoverage: async () => ({ query: 'from=2026-01-01&to=2026-12-31' }),
  listParked: nothing,
  retryParked: async ({ app }) => ({ id: await parkedItem(app) }),
  getBillingSettings: nothing,
  updateBillingSettings: async () => ({ body: { companyName: 'Example Software Ltd' } }),
  getProviderSettings: nothing,
  updateStripeSettings: async () => ({ body: { secretKey: `sk_test_${unique()}`, webhookSecret: 'whsec_example' } }),
  updateXenditSettings: async () => ({ body: { secretKey: `xnd_${unique()}` } }),
  updateLemonsqueezySettings: async () => ({ body: { storeId: '12345' } }),
  updateTaxSettings: async () => ({ body: { taxjarApiKey: unique() } }),
  getTestClock: async ({ moving }) => ({ as: moving.api }),
  async setTestClock({ moving }) {
    const { now } = (await moving.api.get('/api/testing/clock')).body;
    return { as: moving.api, body: { now: new Date(Date.parse(now) + 60_000).toISOString() } };
  },
};

/** Requests of operations with two success answers that find nothing new to do. */
export const AGAIN: Record<string, Make> = {
  async recordUsage({ app }) {
    const body = usageOf(await usageSubscription(app), { idempotencyKey: unique() });
    await made(app, '/api/billing/usage', body);
    return { body };
  },
};

export const usageOf = (subscriptionId: string, over: Record<string, unknown> = {}) => ({
  subscriptionId,
  metricName: 'calls',
  value: '2.5',
  ...over,
});

/** The id of a new subscription whose plan bills `calls`. */
export async function usageSubscription(app: TestApp): Promise<string> {
  const usageMetric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
  const plan = await app.given.plan({ pricingModel: 'usage_based', basePrice: '0', unitPrice: '0.10', usageMetric });
  return (await app.given.subscription({ planId: plan.id })).id;
}

/** To a plan of twice the price. */
export const planChange = async (app: TestApp, over: Record<string, unknown> = {}) => ({
  id: (await app.given.subscription()).id as string,
  body: { newPlanId: (await app.given.plan({ basePrice: '99.98', ...over })).id as string },
});

export const paymentOf = (invoiceId: string, over: Record<string, unknown> = {}) => ({
  invoiceId,
  amount: '10.00',
  paymentMethod: 'bank_transfer',
  ...over,
});

export async function payment(app: TestApp, over: Record<string, unknown> = {}): Promise<{ id: string }> {
  const answer = await app.api.post('/api/billing/payments', paymentOf((await app.given.invoice()).id, over));
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
}

export const refundOf = (paymentId: string, over: Record<string, unknown> = {}) => ({
  paymentId,
  amount: '5.00',
  reason: 'Too much',
  ...over,
});
export const creditNoteOf = (invoiceId: string, over: Record<string, unknown> = {}) => ({
  invoiceId,
  amount: '5.00',
  reason: 'An outage',
  ...over,
});
export const creditOf = (customerId: string, amount = '5.00') => ({ customerId, amount, description: 'Goodwill' });

async function made(app: TestApp, path: string, body: object): Promise<string> {
  const answer = await app.api.post(path, body);
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body.id;
}

export const creditNote = async (app: TestApp, over: Record<string, unknown> = {}): Promise<string> =>
  made(app, '/api/billing/credit-notes', creditNoteOf((await app.given.invoice()).id, over));

/** The key of a licence on a server that has a signing key. */
export async function signable(app: TestApp): Promise<string> {
  const { exists } = (await app.api.get('/api/licenses/keypair')).body;
  if (!exists) await app.api.post('/api/licenses/keypair');
  return (await app.given.license()).licenseKey;
}

async function signedLicense(app: TestApp): Promise<string> {
  const key = await signable(app);
  await app.api.post(`/api/licenses/${key}/sign`);
  return key;
}

async function activation(app: TestApp): Promise<{ id: string; below: string }> {
  const { licenseKey } = await app.given.license();
  await app.anonymous.post('/api/licenses/validate', { licenseKey, deviceId: 'laptop' });
  return { id: licenseKey, below: 'laptop' };
}

/** A parked item whose cause has gone: its subscription has nothing wrong. */
export const parkedItem = async (app: TestApp): Promise<string> => park(app, (await app.given.subscription()).id);

/** Parks the billing of a subscription; answers the id of the item. */
export async function park(app: TestApp, subscriptionId: string): Promise<string> {
  const [id, at] = [app.runtime.newIdAt(app.clock.now()), app.clock.now()];
  const [{ customer_id }] = await app.database.read('subscriptions').where({ id: subscriptionId });
  await app.database.write('parked_items').insert({
    id,
    subscription_id: subscriptionId,
    customer_id,
    code: 'internal_error',
    message: 'It was a passing fault.',
    evidence: '{}',
    attempts: 1,
    parked_at: at,
    resolved_at: null,
    created_at: at,
  });
  return id;
}
