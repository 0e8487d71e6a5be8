import type { Clock } from '../../src/platform/clock.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { createRuntime } from '../../src/runtime.ts';
import { benchConfig } from '../http/setup.ts';

export const START = '2026-02-15T09:00:00.000Z';
export const DUE = '2026-03-15T09:00:00.000Z';
const AFTER = '2026-04-15T09:00:00.000Z';

export function billingRuntime(url: string): Runtime {
  const clock: Clock = { now: () => DUE };
  return createRuntime(benchConfig(url), { clock });
}

/** `count` monthly subscriptions whose period ends now; what the engine itself would have left behind a month ago. */
export async function seedDue(runtime: Runtime, count: number): Promise<void> {
  await migrate(runtime.database, START);
  const id = sameIds();
  const at = { created_at: START, updated_at: START };
  const [productId, planId, versionId] = [id(), id(), id()];
  await runtime.database.transaction(async (db) => {
    const product = { product_type: 'saas', description: null, price: 4999, currency: 'USD', status: 'active' };
    await insertRows(db, 'products', [{ id: productId, name: 'Pro', ...product, ...at }]);
    const plan = { name: 'Pro Monthly', active: true, currency: 'USD', trial_days: 0, features: '{}' };
    const numbers = { license_template: null, current_version: 1, version: 1 };
    await insertRows(db, 'plans', [{ id: planId, product_id: productId, ...plan, ...numbers, ...at }]);
    const price = { pricing_model: 'flat', tier_mode: 'graduated', billing_cycle: 'monthly', base_price: '49.99' };
    const none = { unit_price: null, tiers: null, usage_metric: null, created_at: START };
    await insertRows(db, 'plan_versions', [{ id: versionId, plan_id: planId, number: 1, ...price, ...none }]);
    const rule = { country: 'US', region: 'CA', tax_name: 'CA Sales Tax', rate: '0.0725', inclusive: false };
    const dates = { product_category: null, effective_from: '2020-01-01', effective_to: null, created_at: START };
    await insertRows(db, 'tax_rules', [{ id: id(), ...rule, ...dates }]);
  });
  for (let done = 0; done < count; done += 5000)
    await seedChunk(runtime, id, { planId, versionId }, Math.min(5000, count - done), done);
  if (runtime.database.dialect === 'postgres') await runtime.database.write.raw('analyze');
}

/** Equal databases get equal ids, so that rows of one fit into the other. */
function sameIds(): () => string {
  let n = 0;
  return () => `01KHGSX800${(++n).toString().padStart(16, '0')}`;
}

interface Sold {
  planId: string;
  versionId: string;
}

async function seedChunk(runtime: Runtime, id: () => string, sold: Sold, count: number, from: number): Promise<void> {
  const customers: Record<string, unknown>[] = [];
  const subscriptions: Record<string, unknown>[] = [];
  const periods: Record<string, unknown>[] = [];
  for (let i = 0; i < count; i++) {
    const [customerId, subscriptionId] = [id(), id()];
    const email = `customer-${from + i}@acme.example`;
    customers.push(customerRow(customerId, email));
    subscriptions.push(subscriptionRow(subscriptionId, customerId, sold));
    const mine = { subscription_id: subscriptionId, kind: 'advance', plan_version_id: sold.versionId, quantity: 1 };
    const open = { invoice_id: null, in_force_from: null, in_force_net: null, dirty: false, created_at: START };
    const current = { period_start: START, period_end: DUE, due_at: START, state: 'waived', reason: 'waived' };
    const next = { period_start: DUE, period_end: AFTER, due_at: DUE, state: 'pending', reason: null };
    periods.push({ id: id(), ...mine, ...open, ...current }, { id: id(), ...mine, ...open, ...next });
  }
  await runtime.database.transaction(async (db) => {
    await insertRows(db, 'customers', customers);
    await insertRows(db, 'subscriptions', subscriptions);
    await insertRows(db, 'billing_periods', periods);
  });
}

const customerRow = (id: string, email: string) => ({
  id,
  name: 'Acme Corp',
  email,
  email_key: email,
  tier: 'starter',
  billing_address: '1 Main Street',
  billing_city: 'San Francisco',
  billing_state: 'CA',
  billing_country: 'US',
  metadata: '{}',
  version: 1,
  created_at: START,
  updated_at: START,
});

const subscriptionRow = (id: string, customerId: string, { planId, versionId }: Sold) => ({
  id,
  customer_id: customerId,
  plan_id: planId,
  plan_version_id: versionId,
  status: 'active',
  currency: 'USD',
  quantity: 1,
  billing_cycle: 'monthly',
  anchor_at: START,
  period_index: 0,
  current_period_start: START,
  current_period_end: DUE,
  cancel_at_period_end: false,
  pre_renewal_invoice_days: 0,
  next_action_at: DUE,
  error_count: 0,
  metadata: '{}',
  version: 1,
  created_at: START,
  updated_at: START,
});
