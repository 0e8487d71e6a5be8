import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrations } from '../src/migrations/index.ts';
import { insertRows } from '../src/platform/db/bulk.ts';
import { migrate, rollback } from '../src/platform/db/migrate.ts';
import { execute } from '../src/platform/db/sql.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { AT, insertSamples, LATER, SAMPLES } from './support/rows.ts';

type Values = Record<string, unknown>;

/** Every column of a document: another value of it when it is frozen (rules I8), `state` when it goes on. */
const COLUMNS: Record<string, Record<string, unknown>> = {
  invoices: {
    ...{ id: 'other', invoice_number: 'INV-2026-0099', customer_id: 'customer2', customer_name: 'D' },
    ...{ bill_to: '{"name":"D"}', seller: '{"companyName":"D"}', subscription_id: null, origin: 'manual' },
    ...{ currency: 'EUR', subtotal: 1001, discount_amount: 99, tax_amount: 91, total: 991, tax_name: 'GST' },
    ...{ tax_rate: '0.5', tax_inclusive: true, tax_rule_id: null, issued_at: LATER, due_date: AT, collect_at: LATER },
    ...{ trace: '{"steps":[]}', created_at: LATER, status: 'state', credits_applied: 'state' },
    ...{ credit_notes_amount: 'state', amount_paid: 'state', amount_refunded: 'state', amount_due: 'state' },
    ...{ reversed_amount: 'state', reversed_tax: 'state', paid_at: 'state', voided_at: 'state', notes: 'state' },
    ...{ next_charge_at: 'state', charge_failures: 'state', written_off: 'state', version: 'state' },
    updated_at: 'state',
  },
  invoice_lines: {
    ...{ id: 'other', invoice_id: 'draft', position: 2, kind: 'custom', description: 'e', quantity: '2' },
    ...{ unit_price: '11', amount: 1001, product_id: null, plan_version_id: null, discount_id: 'x' },
    ...{ period_start: LATER, period_end: AT, billing_period_id: 'state' },
  },
  credit_notes: {
    ...{ id: 'other', credit_note_number: 'CN-2026-0099', invoice_id: 'draft', customer_id: 'customer2' },
    ...{ cause: 'proration', amount: 101, tax_amount: 8, applied_to_invoice: 61, credited_to_balance: 39 },
    ...{ currency: 'EUR', reason: 's', lines: '[]', issued_at: LATER, created_at: LATER },
    ...{ status: 'state', voided_at: 'state', updated_at: 'state' },
  },
};
const ISSUED: Record<string, string> = { invoices: 'invoice', invoice_lines: 'line', credit_notes: 'note' };

const errorOf = (work: PromiseLike<unknown>) =>
  work.then(
    () => '',
    (error: unknown) => String(error),
  );

describe('what a document shows is frozen at its issue', () => {
  let held: TestDatabase;
  const write = () => held.database.write;
  const insert = (table: string, values: Values) => insertRows(write(), table, [{ ...SAMPLES[table], ...values }]);
  beforeAll(async () => {
    held = await testDatabase();
    await insertSamples(write());
    await insert('customers', { id: 'customer2', email_key: 'd', stripe_customer_id: 'cus_2' });
    const number = { invoice_number: null, issued_at: null, due_date: null };
    await insert('invoices', { id: 'draft', status: 'draft', ...number });
    await insert('invoice_lines', { id: 'draft-line', invoice_id: 'draft', billing_period_id: null });
    const unissued = { status: 'draft', credit_note_number: null, issued_at: null };
    await insert('credit_notes', { id: 'draft-note', ...unissued });
  });
  afterAll(() => held.drop());

  const columnsOf = async (table: string) => Object.keys(await write()(table).columnInfo());
  const frozen = Object.entries(COLUMNS).flatMap(([table, columns]) =>
    Object.entries(columns).flatMap(([column, value]) => (value === 'state' ? [] : [[table, column, value] as const])),
  );

  test.each(Object.keys(COLUMNS))('every column of %s is said to be frozen or state', async (table) => {
    expect(Object.keys(COLUMNS[table]!).sort()).toEqual((await columnsOf(table)).sort());
  });

  test.each(frozen)('%s.%s never changes after the issue', async (table, column, value) => {
    const change = write()(table)
      .where({ id: ISSUED[table]! })
      .update({ [column]: value });
    expect(await errorOf(change)).toMatch(/keeps its number|never changes/);
  });

  test('a draft changes; its lines are replaced, and go with it; a state goes on', async () => {
    const draft = write()('invoices').where({ id: 'draft' });
    expect(await errorOf(draft.clone().update({ bill_to: '{"name":"D"}', seller: '{"companyName":"D"}' }))).toBe('');
    expect(await errorOf(write()('credit_notes').where({ id: 'draft-note' }).update({ reason: 's' }))).toBe('');
    const line = write()('invoice_lines').where({ id: 'draft-line' });
    expect(await errorOf(line.clone().delete())).toBe('');
    await insert('invoice_lines', { id: 'draft-line', invoice_id: 'draft', billing_period_id: null });
    expect(await errorOf(draft.clone().delete())).toBe('');
    expect(await line).toEqual([]);
    expect(await errorOf(write()('credit_notes').where({ id: 'draft-note' }).delete())).toBe('');
    const issued = write()('invoices').where({ id: 'invoice' });
    expect(await errorOf(issued.update({ notes: 'n', version: 2, status: 'overdue' }))).toBe('');
  });

  test('lines and credit notes that were issued are not deleted, and a void credit note is final', async () => {
    expect(await errorOf(write()('invoice_lines').where({ id: 'line' }).delete())).toContain('only lines of drafts');
    expect(await errorOf(write()('credit_notes').where({ id: 'note' }).delete())).toContain('only drafts are deleted');
    await insert('credit_notes', { id: 'void', credit_note_number: 'CN-2026-0002', status: 'void', voided_at: AT });
    for (const [id, status] of [
      ['void', 'issued'],
      ['note', 'draft'],
    ] as const)
      expect(await errorOf(write()('credit_notes').where({ id }).update({ status, voided_at: null }))).toContain(
        'not taken back',
      );
  });
});

describe('invoices from before', () => {
  let place: TestDatabase;
  beforeAll(async () => {
    place = await testDatabase();
  });
  afterAll(() => place.drop());
  const since = migrations.slice(migrations.findIndex(({ name }) => name === '0024-frozen-documents'));

  /** As the database was before, with one issued invoice. */
  async function upgraded(settings: Values | undefined): Promise<unknown> {
    const { database } = place;
    await rollback(database, since);
    await rollback(database);
    await migrate(database, AT, migrations.slice(0, -since.length));
    const { seller: _, ...invoice } = SAMPLES.invoices!;
    for (const table of ['products', 'plans', 'plan_versions', 'customers', 'tax_rules', 'subscriptions'])
      await insertRows(database.write, table, [SAMPLES[table]!]);
    await insertRows(database.write, 'invoices', [invoice]);
    if (settings)
      await insertRows(database.write, 'settings', [
        { key: 'billing', value: JSON.stringify(settings), secret: false },
      ]);
    await migrate(database, AT);
    const [row] = await database.write('invoices').select('seller');
    await execute(database.write, 'DELETE FROM settings');
    return JSON.parse(row.seller);
  }

  test('get the seller of the settings at the upgrade', async () => {
    const nobody = { companyAddress: null, companyEmail: null, companyTaxId: null, invoiceFooter: null };
    const settings = { companyName: 'Alpha "A" Ltd', companyAddress: '1 Main\nDublin', invoicePrefix: 'X' };
    expect(await upgraded(settings)).toEqual({
      ...nobody,
      companyName: 'Alpha "A" Ltd',
      companyAddress: '1 Main\nDublin',
    });
    expect(await upgraded(undefined)).toEqual({ ...nobody, companyName: null });
  });
});
