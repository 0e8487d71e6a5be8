import { insertRows } from '../../src/platform/db/bulk.ts';
import type { Db } from '../../src/platform/db/connect.ts';

type Values = Record<string, unknown>;

export const AT = '2026-01-01T00:00:00.000Z';
export const LATER = '2026-02-01T00:00:00.000Z';
const stamps = { created_at: AT, updated_at: AT };
const USD = { currency: 'USD' };
const issued = { invoice_number: 'INV-2026-0001', issued_at: AT, due_date: LATER };

/** One good row per table, each pointing to the ones before it; the tests of the schema change single members. */
export const SAMPLES: Record<string, Values> = {
  products: {
    id: 'product',
    name: 'P',
    product_type: 'saas',
    description: null,
    price: 0,
    ...USD,
    status: 'active',
    ...stamps,
  },
  plans: {
    ...{ id: 'plan', product_id: 'product', name: 'Plan', active: true, ...USD, trial_days: 0, features: '{}' },
    ...{ license_template: null, current_version: 1, version: 1, ...stamps },
  },
  plan_versions: {
    ...{ id: 'version', plan_id: 'plan', number: 1, pricing_model: 'flat', tier_mode: 'graduated' },
    ...{
      billing_cycle: 'monthly',
      base_price: '10',
      unit_price: null,
      tiers: null,
      usage_metric: null,
      created_at: AT,
    },
  },
  customers: {
    ...{ id: 'customer', name: 'C', email: 'C@x.example', email_key: 'c@x.example', company: null, tier: 'starter' },
    ...{ billing_country: 'US', payment_method: null, currency: null, stripe_customer_id: 'cus_1' },
    ...{ xendit_customer_id: null, metadata: '{}', version: 1, ...stamps },
  },
  tax_rules: {
    ...{ id: 'rule', country: 'US', region: null, tax_name: 'VAT', rate: '0.0725', inclusive: false },
    ...{ product_category: null, effective_from: '2026-01-01', effective_to: null, created_at: AT },
  },
  tax_quotes: {
    ...{ country: 'US', region: 'CA 94103', product_category: 'saas', provider: 'taxjar' },
    ...{ tax_name: 'Sales tax', rate: '0.08625', valid_until: LATER },
  },
  subscriptions: {
    ...{ id: 'subscription', customer_id: 'customer', plan_id: 'plan', plan_version_id: 'version', status: 'active' },
    ...{ ...USD, quantity: 1, billing_cycle: 'monthly', anchor_at: AT, period_index: 0, current_period_start: AT },
    ...{
      current_period_end: LATER,
      trial_end: null,
      cancel_at_period_end: false,
      canceled_at: null,
      pause_reason: null,
    },
    ...{ pre_renewal_invoice_days: 7, managed_by: 'stripe', provider_subscription_id: 'sub_1', next_action_at: LATER },
    ...{ metadata: '{}', version: 1, ...stamps },
  },
  trials: { customer_id: 'customer', product_id: 'product', started_at: AT },
  coupons: {
    ...{ id: 'coupon', code: 'SAVE', code_key: 'save', name: 'SAVE', discount_type: 'percentage', percent_ppm: 100000 },
    ...{ amount: null, currency: null, duration: 'repeating', duration_cycles: 3, max_redemptions: 2 },
    ...{ times_redeemed: 1, valid_from: AT, valid_until: LATER, active: true, applies_to: '["plan"]', ...stamps },
  },
  subscription_discounts: {
    ...{ id: 'discount', subscription_id: 'subscription', coupon_id: 'coupon', applied_at: AT, starts_at: AT },
    ...{ ends_at: LATER, removed_at: null, created_at: AT },
  },
  parked_items: {
    ...{ id: 'parked', subscription_id: 'subscription', customer_id: 'customer', code: 'x', message: 'm' },
    ...{ evidence: '{}', attempts: 1, parked_at: AT, resolved_at: null, created_at: AT },
  },
  counters: { scope: 'invoice:INV:2026', value: 1 },
  invoices: {
    ...{ id: 'invoice', ...issued, customer_id: 'customer', customer_name: 'C', bill_to: '{}' },
    ...{
      subscription_id: 'subscription',
      origin: 'first',
      status: 'issued',
      ...USD,
      subtotal: 1000,
      discount_amount: 100,
    },
    ...{ tax_amount: 90, total: 990, amount_due: 990, tax_inclusive: false, tax_rule_id: 'rule', next_charge_at: AT },
    ...{ paid_at: null, voided_at: null, trace: null, version: 1, ...stamps },
  },
  billing_periods: {
    ...{ id: 'period', subscription_id: 'subscription', kind: 'advance', period_start: AT, period_end: LATER },
    ...{ due_at: AT, state: 'invoiced', reason: null, plan_version_id: 'version', quantity: 1, invoice_id: 'invoice' },
    ...{ in_force_from: AT, in_force_net: 900, dirty: false, created_at: AT },
  },
  usage_events: {
    ...{ id: 'usage', subscription_id: 'subscription', metric: 'calls', timestamp: AT, value_whole: 1, value_frac: 0 },
    ...{ unique_value: null, idempotency_key: 'key', payload_hash: 'hash', properties: '{}', voided_at: null },
    created_at: AT,
  },
  invoice_lines: {
    ...{
      id: 'line',
      invoice_id: 'invoice',
      position: 1,
      kind: 'plan',
      description: 'd',
      quantity: '1',
      unit_price: '10',
    },
    ...{ amount: 1000, product_id: 'product', plan_version_id: 'version', billing_period_id: 'period' },
    ...{ period_start: AT, period_end: LATER },
  },
  payments: {
    ...{ id: 'payment', invoice_id: 'invoice', customer_id: 'customer', attempt_id: null, method: 'stripe' },
    ...{
      status: 'succeeded',
      amount: 500,
      ...USD,
      applied_amount: 400,
      credited_amount: 100,
      provider_reference: 'pi_1',
    },
    ...{ paid_at: AT, ...stamps },
  },
  credit_notes: {
    ...{ id: 'note', credit_note_number: 'CN-2026-0001', invoice_id: 'invoice', customer_id: 'customer' },
    ...{
      status: 'issued',
      cause: 'manual',
      amount: 100,
      tax_amount: 7,
      applied_to_invoice: 60,
      credited_to_balance: 40,
    },
    ...{ ...USD, reason: 'r', lines: null, issued_at: AT, voided_at: null, ...stamps },
  },
  refunds: {
    ...{ id: 'refund', payment_id: 'payment', invoice_id: 'invoice', customer_id: 'customer', amount: 150 },
    ...{ applied_part: 100, excess_part: 50, tax_amount: 7, ...USD, destination: 'original', status: 'pending' },
    ...{ reason: 'r', provider_reference: 're_1', failure_reason: null, processed_at: null, ...stamps },
  },
  credit_balances: { customer_id: 'customer', ...USD, balance: 40, last_seq: 1 },
  credit_entries: {
    ...{ id: 'credit', customer_id: 'customer', ...USD, seq: 1, amount: 40, balance_after: 40, reason: 'credit_note' },
    ...{ description: 'd', invoice_id: 'invoice', payment_id: 'payment', credit_note_id: 'note', created_at: AT },
  },
  journal_entries: {
    ...{ id: 'entry', fact_type: 'invoice.issued', fact_id: 'invoice', posted_at: AT, ...USD },
    ...{ customer_id: 'customer', invoice_id: 'invoice', created_at: AT },
  },
  journal_lines: { entry_id: 'entry', line_no: 1, account: 'receivable', amount: 990, product_id: 'product' },
  customer_mrr: { customer_id: 'customer', ...USD, mrr: 1000 },
  mrr_movements: {
    ...{ id: 'movement', subscription_id: 'subscription', customer_id: 'customer', product_id: 'product', ...USD },
    ...{ at: AT, kind: 'new', delta: 1000, subscription_mrr: 1000, customer_mrr: 1000, cause: 'x', created_at: AT },
  },
  signing_keys: {
    ...{ kid: 'kid', public_key: 'p', private_key_enc: 'v1.x', status: 'active', retired_at: null, created_at: AT },
  },
  licenses: {
    ...{ id: 'license', license_key: 'A-B-C', customer_id: 'customer', product_id: 'product' },
    ...{ subscription_id: 'subscription', status: 'active', status_reason: null, features: '{}', max_activations: 1 },
    ...{ current_activations: 1, activated_at: AT, expires_at: LATER, seq: 1, signed_payload: '{}', signature: 's' },
    ...{ kid: 'kid', signed_at: AT, end_given: false, given_until: null, unsigned_since: null, ...stamps },
  },
  license_activations: {
    ...{ id: 'activation', license_id: 'license', device_id: 'd', device_name: null, ip: null },
    ...{ activated_at: AT, last_seen_at: AT },
  },
  events: {
    ...{
      id: 'evt_1',
      position: 1,
      type: 'invoice.issued',
      customer_id: 'customer',
      sequence: 1,
      resource_type: 'invoice',
    },
    ...{ resource_id: 'invoice', body: '{}', created_at: AT, dispatched_at: null },
  },
  emails: {
    ...{ id: 'email', event_id: 'evt_1', recipient: 'a@x.example', template: 'invoice', data: '{}', state: 'pending' },
    ...{ attempts: 0, next_attempt_at: AT, last_error: null, sent_at: null, created_at: AT },
  },
  put_off: {
    ...{ id: 'put', kind: 'license_follow', subject: 'subscription', data: '{}', error: 'x', attempts: 1 },
    ...{ next_attempt_at: AT, created_at: AT },
  },
  leases: { name: 'sequencer', holder: null, until: null },
  users: {
    ...{ id: 'user', email: 'u@x.example', email_key: 'u@x.example', name: 'U', role: 'admin', customer_id: null },
    ...{ auth_provider: 'local', oidc_subject: null, password_hash: 'h', ...stamps },
  },
  sessions: { token_hash: 'hash', user_id: 'user', created_at: AT, expires_at: LATER, ip: null, user_agent: null },
  login_throttle: { key: 'k', failures: 1, last_failure_at: AT, blocked_until: null },
  api_keys: {
    ...{ id: 'key', name: 'K', key_hash: 'h', key_prefix: 'rb_live_0123', access: 'read', customer_id: 'customer' },
    ...{ created_by: 'user', created_at: AT },
  },
  idempotency_keys: {
    ...{ scope: 'user:user', key: 'k', method: 'POST', path: '/', body_hash: 'h', state: 'done', status_code: 201 },
    ...{ headers: '{}', body: 'b', created_at: AT, expires_at: LATER },
  },
  audit_log: {
    ...{ id: 'audit', at: AT, actor_type: 'user', actor_id: 'user', action: 'createPlan', entity_type: 'plan' },
    ...{ entity_id: 'plan', changes: '{}', reason: null, request_id: null, ip: null },
  },
  settings: { key: 'stripe.secretKey', value: 'v1.x', secret: true, key_id: 'abcd' },
};

/** Inserts every sample row, in the order of the foreign keys. */
export async function insertSamples(db: Db): Promise<void> {
  for (const [table, row] of Object.entries(SAMPLES)) await insertRows(db, table, [row]);
}
