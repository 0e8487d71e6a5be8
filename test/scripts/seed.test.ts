import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isEmpty, seed } from '../../scripts/seed/seed.ts';
import { runAudit } from '../../src/cli/audit.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { createRuntime } from '../../src/runtime.ts';
import { testConfig } from '../support/app.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';

// On a leap day: the year before it has another length, and no 29th of February.
const NOW = '2028-02-29T07:15:00.000Z';

let place: TestDatabase;
let runtime: Runtime;
beforeAll(async () => {
  place = await testDatabase();
  runtime = createRuntime(testConfig, { database: place.database, clock: { now: () => NOW } });
  expect(await isEmpty(place.database.read)).toBe(true);
  await seed(runtime);
});
afterAll(() => place.drop());

const valuesOf = async (table: string, column: string): Promise<string[]> => {
  const rows = await place.database.read(table).distinct(column).orderBy(column);
  return rows.map((row) => row[column]);
};

describe('the demo data', () => {
  test('are there: the database does not count as empty any more', async () => {
    expect(await isEmpty(place.database.read)).toBe(false);
  });

  test('have subscriptions and invoices in every status', async () => {
    expect(await valuesOf('subscriptions', 'status')).toEqual(['active', 'canceled', 'past_due', 'paused', 'trialing']);
    expect(await valuesOf('invoices', 'status')).toEqual(['draft', 'issued', 'overdue', 'paid', 'void']);
    const ending = await place.database.read('subscriptions').where({ status: 'active', cancel_at_period_end: true });
    expect(ending).toHaveLength(1);
    const partly = await place.database.read('invoices').where({ status: 'issued' }).andWhere('amount_paid', '>', 0);
    expect(partly).toHaveLength(1);
  });

  test('have three currencies, three billing cycles, every pricing model and credit that was deposited and used', async () => {
    expect(await valuesOf('invoices', 'currency')).toEqual(['EUR', 'JPY', 'USD']);
    expect(await valuesOf('subscriptions', 'billing_cycle')).toEqual(['monthly', 'quarterly', 'yearly']);
    expect(await valuesOf('plan_versions', 'pricing_model')).toEqual(['flat', 'per_unit', 'tiered', 'usage_based']);
    expect(await valuesOf('credit_entries', 'reason')).toEqual(
      expect.arrayContaining(['overpayment', 'invoice_application']),
    );
  });

  test('reach from a year ago to now, and nothing is left to do', async () => {
    const [first] = await place.database.read('events').orderBy('position').limit(1);
    expect(first).toMatchObject({ created_at: '2027-02-28T09:00:00.000Z' });
    expect(await place.database.read('events').whereNull('position')).toEqual([]);
    expect(await place.database.read('subscriptions').where('next_action_at', '<=', NOW)).toEqual([]);
    expect(await place.database.read('events').where('created_at', '>', NOW)).toEqual([]);
  });

  test('keep every invariant', async () => {
    expect(await runAudit(runtime)).toMatchObject({ ok: true });
  });
});
