import type { Api } from './app.ts';

// biome-ignore lint/suspicious/noExplicitAny: builders answer whatever the API answers; the contract check is on
type Entity = any;
type Overrides = Record<string, unknown>;
export type Given = ReturnType<typeof createGiven>;

let count = 0;

/** Builders that go through the public API, so that no test starts from a state the product cannot reach. */
export function createGiven(api: Api, anonymous: Api) {
  const create = async (path: string, body: Overrides, headers: Record<string, string> = {}): Promise<Entity> => {
    const answer = await api.post(path, body, headers);
    if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  const product = (over: Overrides = {}) =>
    create('/api/products', { name: 'Pro', productType: 'saas', price: '49.99', ...over });
  const customer = (over: Overrides = {}) =>
    create('/api/customers', { name: 'Acme Corp', email: `billing-${++count}@acme.example`, ...over });
  const plan = async (over: Overrides = {}): Promise<Entity> =>
    create('/api/billing/plans', {
      productId: over.productId ?? (await product()).id,
      name: 'Pro Monthly',
      pricingModel: 'flat',
      billingCycle: 'monthly',
      basePrice: '49.99',
      ...over,
    });
  return {
    product,
    customer,
    plan,
    coupon: (over: Overrides = {}) =>
      create('/api/billing/coupons', {
        code: `SAVE-${++count}`,
        discountType: 'percentage',
        discountValue: '10',
        ...over,
      }),
    taxRule: (over: Overrides = {}) =>
      create('/api/billing/tax-rules', { country: 'US', taxName: 'Sales Tax', rate: '0.0725', ...over }),
    apiKey: (over: Overrides = {}) => create('/api/api-keys', { name: 'Integration', ...over }),
    user: (over: Overrides = {}) =>
      create('/api/users', {
        email: `user-${++count}@acme.example`,
        name: 'A User',
        role: 'admin',
        password: 'a password that is long',
        ...over,
      }),
    /** The session token of a new user with role customer of this customer. */
    async portalSession(customerId: string): Promise<string> {
      const email = `portal-${++count}@acme.example`;
      const password = 'a password that is long';
      await create('/api/users', { email, name: 'Portal', role: 'customer', customerId, password });
      const { headers } = await anonymous.post('/api/auth/login', { email, password });
      return /session=([^;]+)/.exec(String(headers['set-cookie']))![1]!;
    },
    async subscription(over: Overrides = {}): Promise<Entity> {
      return create('/api/billing/subscriptions', {
        billingCycle: 'monthly',
        ...over,
        customerId: over.customerId ?? (await customer()).id,
        planId: over.planId ?? (await plan()).id,
      });
    },
    async license(over: Overrides = {}): Promise<Entity> {
      return create('/api/licenses', {
        ...over,
        customerId: over.customerId ?? (await customer()).id,
        productId: over.productId ?? (await product()).id,
      });
    },
    async invoice(over: Overrides = {}): Promise<Entity> {
      return create('/api/billing/invoices', {
        status: 'issued',
        lineItems: [{ description: 'Consulting', quantity: 1, unitPrice: '100.00' }],
        ...over,
        customerId: over.customerId ?? (await customer()).id,
      });
    },
  };
}
