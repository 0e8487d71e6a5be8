import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { retentions } from '../src/jobs.ts';
import { insertRows } from '../src/platform/db/bulk.ts';
import { isUniqueViolation } from '../src/platform/db/errors.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { AT, insertSamples, LATER, SAMPLES } from './support/rows.ts';
import { tableNames } from './support/schema.ts';

const errorOf = (work: PromiseLike<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the schema holds the rules', () => {
  let held: TestDatabase;
  beforeAll(async () => {
    held = await testDatabase();
    await insertSamples(held.database.write);
  });
  afterAll(() => held.drop());

  const insert = (table: string, values: Record<string, unknown>) =>
    errorOf(insertRows(held.database.write, table, [{ ...SAMPLES[table], ...values }]));
  /** In a transaction that is always undone: undefined when the database takes the change. */
  const change = async (table: string, key: Record<string, unknown>, values: Record<string, unknown> | 'delete') => {
    const undo = new Error('undo');
    const error = await errorOf(
      held.database.transaction(async (trx) => {
        const rows = trx(table).where(key);
        const hit = values === 'delete' ? await rows.delete() : await rows.update(values);
        expect(hit).toBe(1);
        throw undo;
      }),
    );
    return error === undo ? undefined : error;
  };
  const taken = async (table: string, key: Record<string, unknown>, values: Record<string, unknown> | 'delete') =>
    expect(await change(table, key, values)).toBeUndefined();
  const refused = async (
    table: string,
    key: Record<string, unknown>,
    values: Record<string, unknown> | 'delete',
    why = '',
  ) => expect(String(await change(table, key, values))).toContain(why || 'onstraint');

  test('every table has a sample', async () => {
    expect(Object.keys(SAMPLES).sort()).toEqual(await tableNames(held.database.write));
  });

  test('every table is kept or cleaned up, and docs/operations.md says which', async () => {
    const [, section] = /\n## What is kept\n([\s\S]*?)\n## /.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
    const [cleaned, kept] = section!
      .split('Kept, and why:')
      .map((part) =>
        part
          .split('\n')
          .flatMap((line) => [...(/^\| (.*?) \|/.exec(line)?.[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name!)),
      );
    expect([...cleaned!, ...kept!].sort()).toEqual(
      [...(await tableNames(held.database.write)), 'schema_migrations'].sort(),
    );
    expect(cleaned!.sort()).toEqual([...new Set(retentions.map(({ table }) => table))].sort());
  });

  test('every enumeration refuses an unknown word', async () => {
    const enums: Record<string, string[]> = {
      products: ['product_type', 'status'],
      plan_versions: ['pricing_model', 'tier_mode', 'billing_cycle'],
      customers: ['tier'],
      tax_rules: ['product_category'],
      tax_quotes: ['product_category'],
      coupons: ['discount_type', 'duration'],
      emails: ['state'],
      subscriptions: ['status', 'billing_cycle', 'cancel_reason', 'pause_reason'],
      invoices: ['origin', 'status'],
      billing_periods: ['kind', 'state'],
      invoice_lines: ['kind'],
      payments: ['status'],
      credit_notes: ['status', 'cause'],
      credit_entries: ['reason'],
      refunds: ['destination', 'status'],
      journal_lines: ['account'],
      mrr_movements: ['kind'],
      licenses: ['status', 'status_reason'],
      signing_keys: ['status'],
      put_off: ['kind'],
      users: ['role', 'auth_provider'],
      api_keys: ['access'],
      idempotency_keys: ['state'],
      audit_log: ['actor_type'],
    };
    for (const [table, columns] of Object.entries(enums))
      for (const column of columns)
        expect([column, String(await insert(table, { [column]: 'nope' }))]).toEqual([
          column,
          expect.stringMatching(/CHECK constraint|check constraint/),
        ]);
  });

  test.each([
    ['customers', 'payment_method', ''],
    ['payments', 'method', ''],
    ['subscriptions', 'managed_by', ''],
    ['tax_quotes', 'provider', ''],
    ['journal_lines', 'account', 'cash:'],
  ])('a name of a provider has its form: %s.%s', async (table, column, before) => {
    for (const name of ['', 'x', 'No', 'a b', "a'b", 'a:b', 'ä_', 'x'.repeat(41)])
      expect([name, String(await insert(table, { [column]: before + name }))]).toEqual([
        name,
        expect.stringMatching(/CHECK constraint|check constraint/),
      ]);
    // a name that no migration has heard of
    const other = { ...SAMPLES[table], [column]: `${before}paddle_2` };
    const key = 'id' in other ? { id: 'new' } : table === 'tax_quotes' ? {} : { line_no: 9 };
    const unique = { customers: { email_key: 'new' }, subscriptions: { provider_subscription_id: 'new' } }[table];
    const undo = new Error('undo');
    const error = await errorOf(
      held.database.transaction(async (trx) => {
        await insertRows(trx, table, [
          { ...other, ...key, ...unique, ...(table === 'customers' && { stripe_customer_id: null }) },
        ]);
        throw undo;
      }),
    );
    expect(error).toBe(undo);
  });

  test.each([
    ['products', { price: -1 }],
    ['plans', { trial_days: 731 }],
    ['plan_versions', { pricing_model: 'tiered' }],
    ['plan_versions', { pricing_model: 'usage_based' }],
    ['plan_versions', { usage_metric: '{}' }],
    ['tax_rules', { effective_to: '2025-12-31' }],
    ['subscriptions', { current_period_end: AT }],
    ['subscriptions', { status: 'canceled' }],
    ['subscriptions', { status: 'paused' }],
    ['subscriptions', { status: 'trialing' }],
    ['subscriptions', { quantity: 0 }],
    ['subscriptions', { pre_renewal_invoice_days: 91 }],
    ['coupons', { percent_ppm: 0 }],
    ['coupons', { percent_ppm: 1_000_001 }],
    ['coupons', { percent_ppm: null }],
    ['coupons', { amount: 100, currency: 'USD' }],
    ['coupons', { currency: 'USD' }],
    ['coupons', { discount_type: 'fixed_amount', percent_ppm: null, amount: 100 }],
    ['coupons', { discount_type: 'fixed_amount', percent_ppm: null, amount: 0, currency: 'USD' }],
    ['coupons', { duration_cycles: null }],
    ['coupons', { duration_cycles: 121 }],
    ['coupons', { duration: 'once' }],
    ['coupons', { times_redeemed: 3 }],
    ['coupons', { max_redemptions: 0, times_redeemed: 0 }],
    ['coupons', { valid_until: AT }],
    ['subscription_discounts', { ends_at: '2025-12-31T00:00:00.000Z' }],
    ['licenses', { max_activations: 0 }],
    ['licenses', { max_activations: 1_000_001 }],
    ['licenses', { current_activations: -1 }],
    ['licenses', { activated_at: null }],
    ['put_off', { attempts: 0 }],
    ['licenses', { status: 'suspended' }],
    ['licenses', { status_reason: 'requested' }],
    ['licenses', { seq: -1 }],
    ['licenses', { seq: 0 }],
    ['licenses', { signed_payload: null }],
    ['licenses', { signature: null }],
    ['licenses', { kid: null }],
    ['licenses', { signed_at: null }],
    ['license_activations', { last_seen_at: '2025-12-31T00:00:00.000Z' }],
    ['signing_keys', { status: 'retired' }],
    ['signing_keys', { retired_at: AT }],
    ['signing_keys', { private_key_enc: null }],
    ['parked_items', { attempts: 0 }],
    ['invoices', { total: 991, amount_due: 991 }],
    ['invoices', { tax_inclusive: true }],
    ['invoices', { amount_due: 989 }],
    ['invoices', { credits_applied: 990, amount_due: 0 }],
    ['invoices', { status: 'paid', paid_at: AT }],
    ['invoices', { status: 'paid', amount_paid: 990, amount_due: 0, paid_at: null }],
    ['invoices', { status: 'void', voided_at: AT }],
    ['invoices', { status: 'void', amount_due: 0, amount_paid: 1, voided_at: AT }],
    ['invoices', { status: 'draft' }],
    ['invoices', { invoice_number: null, issued_at: null }],
    ['invoices', { discount_amount: 1001, total: 89, amount_due: 89 }],
    ['invoices', { reversed_amount: 991 }],
    ['invoices', { reversed_tax: 91 }],
    ['billing_periods', { period_end: '2025-12-31T00:00:00.000Z' }],
    ['billing_periods', { invoice_id: null }],
    ['billing_periods', { state: 'skipped' }],
    ['billing_periods', { in_force_net: -1 }],
    ['billing_periods', { dirty: true }],
    ['invoice_lines', { kind: 'discount' }],
    ['invoice_lines', { period_end: null }],
    ['payments', { amount: 0, applied_amount: 0, credited_amount: 0 }],
    ['payments', { applied_amount: 399 }],
    ['payments', { refunded_applied: 401 }],
    ['payments', { status: 'pending' }],
    ['credit_notes', { applied_to_invoice: 61 }],
    ['credit_notes', { credit_note_number: null }],
    ['credit_notes', { tax_amount: 101 }],
    ['refunds', { amount: 0, applied_part: 0, excess_part: 0, tax_amount: 0 }],
    ['refunds', { amount: 151 }],
    ['refunds', { tax_amount: 101 }],
    ['refunds', { destination: 'credit', status: 'completed', processed_at: AT }],
    ['refunds', { destination: 'credit', amount: 100, excess_part: 0 }],
    ['refunds', { processed_at: AT }],
    ['refunds', { status: 'failed' }],
    ['refunds', { status: 'completed', processed_at: AT, failure_reason: 'x' }],
    ['credit_balances', { balance: -1 }],
    ['credit_entries', { amount: 0 }],
    ['credit_entries', { balance_after: -1 }],
    ['journal_lines', { amount: 0 }],
    ['customer_mrr', { mrr: -1 }],
    ['mrr_movements', { delta: 0 }],
    ['events', { sequence: null }],
    ['users', { role: 'customer' }],
    ['users', { customer_id: 'customer' }],
    ['idempotency_keys', { status_code: null }],
    ['settings', { key_id: null }],
  ])('CHECK of %s refuses %j', async (table, values) => {
    expect(String(await insert(table, values))).toMatch(/CHECK constraint|check constraint/);
  });

  test.each([
    { given_until: '2026-01-01T00:00:00.000Z' },
    { end_given: true, given_until: null },
    { end_given: true, given_until: '2999-01-01T00:00:00.000Z' },
    { end_given: true, given_until: '2026-01-01T00:00:00.000Z', expires_at: null },
  ])('a licence never ends before its given end: %j', async (values) => {
    expect(String(await insert('licenses', values))).toMatch(/before its given end|licenses_given_end/);
  });

  test.each([
    ['plan_versions', { id: 'x' }],
    ['customers', { id: 'x', stripe_customer_id: null }],
    ['customers', { id: 'x', email_key: 'x' }],
    ['tax_rules', { id: 'x' }],
    ['subscriptions', { id: 'x' }],
    ['coupons', { id: 'x' }],
    ['subscription_discounts', { id: 'x' }],
    ['parked_items', { id: 'x' }],
    ['invoices', { id: 'x' }],
    ['billing_periods', { id: 'x', state: 'pending', invoice_id: null }],
    ['invoice_lines', { id: 'x' }],
    ['payments', { id: 'x' }],
    ['credit_notes', { id: 'x' }],
    ['refunds', { id: 'x' }],
    ['credit_entries', { id: 'x' }],
    ['journal_entries', { id: 'x' }],
    ['licenses', { id: 'x', subscription_id: null }],
    ['licenses', { id: 'x', license_key: 'X-Y' }],
    ['license_activations', { id: 'x' }],
    ['signing_keys', { kid: 'x' }],
    ['events', { id: 'x', sequence: 2 }],
    ['events', { id: 'x', position: null }],
    ['users', { id: 'x' }],
    ['api_keys', { id: 'x' }],
    ['idempotency_keys', {}],
  ])('a second row of %s like %j is a unique violation', async (table, values) => {
    expect(isUniqueViolation(await insert(table, values))).toBe(true);
  });

  test.each([
    ['plans', { id: 'x', product_id: 'x' }],
    ['subscriptions', { id: 'x', provider_subscription_id: null, plan_version_id: 'x' }],
    ['subscription_discounts', { id: 'x', coupon_id: 'x' }],
    ['billing_periods', { id: 'x', period_start: '2025-12-01T00:00:00.000Z', invoice_id: 'x' }],
    ['refunds', { id: 'x', provider_reference: null, payment_id: 'x' }],
    ['credit_entries', { id: 'x', seq: 2, currency: 'EUR' }],
    ['journal_lines', { entry_id: 'x' }],
    ['sessions', { token_hash: 'x', user_id: 'x' }],
    ['licenses', { id: 'x', license_key: 'X-Y', subscription_id: null, kid: 'x' }],
    ['licenses', { id: 'x', license_key: 'X-Y', subscription_id: null, product_id: 'x' }],
    ['license_activations', { license_id: 'x' }],
  ])('a row of %s that points nowhere is refused: %j', async (table, values) => {
    expect(String(await insert(table, values))).toMatch(/FOREIGN KEY|foreign key/);
  });

  test('append-only tables take neither UPDATE nor DELETE', async () => {
    const keys: [string, Record<string, unknown>, string][] = [
      ['credit_entries', { id: 'credit' }, 'description'],
      ['journal_entries', { id: 'entry' }, 'fact_type'],
      ['journal_lines', { entry_id: 'entry' }, 'account'],
      ['mrr_movements', { id: 'movement' }, 'cause'],
      ['audit_log', { id: 'audit' }, 'action'],
    ];
    for (const [table, key, column] of keys) {
      await refused(table, key, { [column]: 'revenue' }, 'append-only');
      await refused(table, key, 'delete', 'append-only');
    }
  });

  test('an issued invoice keeps its amounts and can be paid; paid and void are final; only drafts are deleted', async () => {
    const key = { id: 'invoice' };
    const paid = { status: 'paid', amount_paid: 990, amount_due: 0, paid_at: AT };
    await taken('invoices', key, paid);
    await taken('invoices', key, { status: 'overdue' });
    await taken('invoices', key, { notes: 'n', version: 2, amount_paid: 90, amount_due: 900 });
    await refused('invoices', key, { subtotal: 1100, total: 1090, amount_due: 1090 }, 'keeps its number');
    await refused('invoices', key, { invoice_number: 'INV-2026-0009' }, 'keeps its number');
    const draft = { status: 'draft', invoice_number: null, issued_at: null };
    await refused('invoices', key, draft, 'keeps its number');
    await refused('invoices', key, 'delete', 'only drafts');
    const base = { ...SAMPLES.invoices, invoice_number: null, issued_at: null, due_date: null };
    const final = { ...SAMPLES.invoices, invoice_number: 'INV-2026-0002', id: 'paid', ...paid };
    const voided = { ...base, id: 'void', status: 'void', voided_at: AT, amount_due: 0 };
    for (const row of [final, voided, { ...base, id: 'draft', status: 'draft' }])
      await insertRows(held.database.write, 'invoices', [row]);
    await refused(
      'invoices',
      { id: 'paid' },
      { status: 'issued', amount_paid: 0, amount_due: 990, paid_at: null },
      'final',
    );
    await refused('invoices', { id: 'void' }, { status: 'draft', voided_at: null, amount_due: 990 }, 'final');
    await taken('invoices', { id: 'paid' }, { notes: 'still editable', amount_refunded: 100 });
    await refused('invoices', { id: 'void' }, 'delete', 'only drafts');
    await taken('invoices', { id: 'draft' }, { subtotal: 2000, total: 1990, amount_due: 1990 });
    await taken('invoices', { id: 'draft' }, 'delete');
  });

  test('a canceled subscription stays canceled', async () => {
    const canceled = { id: 'ended', provider_subscription_id: null, status: 'canceled', canceled_at: AT };
    expect(await insert('subscriptions', canceled)).toBeUndefined();
    const key = { id: 'ended' };
    await refused('subscriptions', key, { status: 'active', canceled_at: null }, 'canceled subscription is final');
    await taken('subscriptions', key, { metadata: '{"a":1}' });
    await taken('subscriptions', { id: 'subscription' }, { status: 'canceled', canceled_at: AT });
  });

  test('a refund keeps its amounts; completed and failed are final', async () => {
    const key = { id: 'refund' };
    const completed = { status: 'completed', processed_at: AT };
    await taken('refunds', key, completed);
    await taken('refunds', key, { status: 'failed', failure_reason: 'closed account', processed_at: AT });
    await refused('refunds', key, { amount: 140, applied_part: 90 }, 'keeps its payment');
    await refused('refunds', key, 'delete', 'never deleted');
    await insertRows(held.database.write, 'refunds', [
      { ...SAMPLES.refunds, ...completed, id: 'done', provider_reference: null },
    ]);
    await taken('refunds', { id: 'done' }, { provider_reference: 're_2' });
    await refused('refunds', { id: 'done' }, { status: 'pending', processed_at: null }, 'final');
    await refused('refunds', { id: 'done' }, { status: 'failed' }, 'final');
  });

  test('plan versions, tax rules, events, parked items and payments change only where they may', async () => {
    await refused('plan_versions', { id: 'version' }, { base_price: '20' }, 'never changes');
    await refused('tax_rules', { id: 'rule' }, { rate: '0.1' }, 'history');
    await taken('tax_rules', { id: 'rule' }, { effective_to: '2026-06-10' });
    await refused('events', { id: 'evt_1' }, { body: '{"a":1}' }, 'never changes');
    await refused('events', { id: 'evt_1' }, { position: 2 }, 'position once');
    await refused('events', { id: 'evt_1' }, 'delete', 'never deleted');
    await taken('events', { id: 'evt_1' }, { dispatched_at: AT });
    expect(await insert('events', { id: 'evt_2', sequence: 2, position: null })).toBeUndefined();
    await taken('events', { id: 'evt_2' }, { position: 2 });
    await refused('parked_items', { id: 'parked' }, { code: 'y' }, 'parked item');
    await taken('parked_items', { id: 'parked' }, { attempts: 2, message: 'n', evidence: '[]', resolved_at: AT });
    await refused('payments', { id: 'payment' }, 'delete', 'never deleted');
  });

  test('a redeemed coupon keeps its terms and its count; a discount is removed once and never deleted', async () => {
    const coupon = { id: 'coupon' };
    for (const values of [{ percent_ppm: 1 }, { duration: 'once', duration_cycles: null }, { applies_to: '[]' }])
      await refused('coupons', coupon, values, 'terms of a redeemed coupon');
    await refused('coupons', coupon, { times_redeemed: 0 }, 'never given back');
    await refused('coupons', coupon, 'delete');
    await taken('coupons', coupon, { times_redeemed: 2, active: false, max_redemptions: null, name: 'n' });
    expect(await insert('coupons', { id: 'fresh', code_key: 'fresh', times_redeemed: 0 })).toBeUndefined();
    await taken('coupons', { id: 'fresh' }, { percent_ppm: 1, duration: 'once', duration_cycles: null });
    await taken('coupons', { id: 'fresh' }, 'delete');
    const discount = { id: 'discount' };
    await refused('subscription_discounts', discount, { coupon_id: 'fresh' }, 'only the window');
    await refused('subscription_discounts', discount, 'delete', 'never deleted');
    await taken('subscription_discounts', discount, { ends_at: AT, removed_at: AT });
    const [removed, later] = [{ id: 'removed' }, '2026-03-01T00:00:00.000Z'];
    expect(await insert('subscription_discounts', { ...removed, ends_at: later, removed_at: AT })).toBeUndefined();
    for (const values of [{ removed_at: null }, { removed_at: later }, { starts_at: later }, { ends_at: null }])
      await refused('subscription_discounts', removed, values, 'only ends earlier');
    await refused('subscription_discounts', removed, { ends_at: '2026-03-02T00:00:00.000Z' }, 'only ends earlier');
    await taken('subscription_discounts', removed, { ends_at: '2026-02-01T00:00:00.000Z' });
  });

  test('a licence keeps its key, its place among the revoked and its signatures; no device comes beyond the limit', async () => {
    const license = { id: 'license' };
    for (const values of [
      { license_key: 'X-Y-Z' },
      { customer_id: 'x' },
      { subscription_id: null },
      { created_at: LATER },
    ])
      await refused('licenses', license, values, 'never change');
    await refused('licenses', license, { seq: 0 }, 'counted upwards');
    await refused('licenses', license, { current_activations: 2 }, 'beyond the limit');
    await refused('licenses', license, 'delete', 'revoked, never deleted');
    await taken('licenses', license, { current_activations: 2, max_activations: null });
    await taken('licenses', license, { current_activations: 0 });
    await taken('licenses', license, { status: 'suspended', status_reason: 'dunning' });
    const fresh = {
      id: 'fresh',
      license_key: 'FRESH',
      subscription_id: null,
      activated_at: null,
      current_activations: 0,
    };
    const unsigned = { seq: 0, signed_payload: null, signature: null, kid: null, signed_at: null };
    expect(await insert('licenses', { ...fresh, ...unsigned })).toBeUndefined();
    expect(await insert('license_activations', { license_id: 'fresh' })).toBeUndefined();
    await held.database.write('licenses').where({ id: 'fresh' }).delete();
    expect(await held.database.read('license_activations').where({ license_id: 'fresh' })).toEqual([]);
    const revoked = { id: 'revoked', license_key: 'REVOKED', status: 'revoked' };
    expect(await insert('licenses', revoked)).toBeUndefined();
    await refused('licenses', { id: 'revoked' }, { status: 'active' }, 'final');
    await taken('licenses', { id: 'revoked' }, { current_activations: 0 });
    await refused('license_activations', { id: 'activation' }, { device_id: 'x' }, 'of a device change');
    await taken('license_activations', { id: 'activation' }, { last_seen_at: LATER, device_name: 'n', ip: '::1' });
  });

  test('a signing key is retired once and kept for ever', async () => {
    const key = { kid: 'kid' };
    await refused('signing_keys', key, { public_key: 'x' }, 'never changes');
    await refused('signing_keys', key, 'delete', 'for ever');
    await taken('signing_keys', key, { private_key_enc: 'v1.y' });
    const retired = { status: 'retired', retired_at: AT, private_key_enc: null };
    await taken('signing_keys', key, retired);
    expect(await insert('signing_keys', { kid: 'old', ...retired })).toBeUndefined();
    await refused(
      'signing_keys',
      { kid: 'old' },
      { status: 'active', retired_at: null, private_key_enc: 'x' },
      'final',
    );
  });

  test('what other rows point to is not deleted; a draft takes its lines with it', async () => {
    for (const [table, id] of Object.entries({ products: 'product', plans: 'plan', customers: 'customer' }))
      await refused(table, { id }, 'delete', 'onstraint');
    const draft = { id: 'd', status: 'draft', invoice_number: null, issued_at: null, due_date: null };
    expect(await insert('invoices', draft)).toBeUndefined();
    expect(await insert('invoice_lines', { id: 'dl', invoice_id: 'd' })).toBeUndefined();
    await held.database.write('invoices').where({ id: 'd' }).delete();
    expect(await held.database.read('invoice_lines').where({ id: 'dl' })).toEqual([]);
    await held.database.write('users').where({ id: 'user' }).delete();
    expect(await held.database.read('sessions').where({ user_id: 'user' })).toEqual([]);
  });
});
