import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadBillingSettings } from '../../src/settings/store.ts';
import { auditOf } from '../accounts/support.ts';
import { startApp, type TestApp } from '../support/app.ts';

const PATH = '/api/settings/billing';
const code = (answer: { status: number; body: { error?: string } }) => [answer.status, answer.body.error];

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ config: { defaultCurrency: 'EUR', licenseKeyPrefix: 'ACME' } });
});
afterAll(() => app.close());

const DEFAULTS = {
  withoutEffect: ['dunning'],
  companyName: null,
  companyAddress: null,
  companyEmail: null,
  companyTaxId: null,
  invoiceFooter: null,
  defaultCurrency: 'EUR',
  paymentTermsDays: 30,
  preRenewalInvoiceDays: 7,
  trialEndingNoticeDays: 3,
  invoicePrefix: 'INV',
  creditNotePrefix: 'CN',
  licenseKeyPrefix: 'ACME',
  licenseGraceDays: 3,
  usageMaxAgeDays: 90,
  usageFutureToleranceSeconds: 300,
  dunning: {
    enabled: true,
    reminderDays: 3,
    warningDays: 7,
    finalNoticeDays: 14,
    suspensionDays: 30,
    exhaustAfterDays: 30,
    chargeRetryHours: [1, 4, 24],
  },
};

describe('GET /api/settings/billing', () => {
  test('200 the defaults, currency and key prefix from the environment', async () => {
    const answer = await app.api.get(PATH);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...DEFAULTS, updatedAt: expect.any(String) });
  });
});

describe('PUT /api/settings/billing', () => {
  test('200 changes what is sent, keeps the rest, clears with null', async () => {
    const given = { companyName: ' Acme Inc ', companyEmail: 'billing@acme.example', paymentTermsDays: 14 };
    const answer = await app.api.put(PATH, given);
    expect(answer.status).toBe(200);
    const expected = { ...DEFAULTS, ...given, companyName: 'Acme Inc', updatedAt: app.clock.now() };
    expect(answer.body).toEqual(expected);
    expect((await app.api.get(PATH)).body).toEqual(expected);
    const cleared = await app.api.put(PATH, { companyName: null, companyEmail: null, paymentTermsDays: 30 });
    expect(cleared.body).toEqual({ ...DEFAULTS, updatedAt: app.clock.now() });
    const [row] = await auditOf(app, 'billing');
    expect(row).toMatchObject({
      action: 'updateBillingSettings',
      entity_type: 'settings',
      changes: { paymentTermsDays: [30, 14], companyName: [null, 'Acme Inc'] },
    });
  });

  test('200 {} and equal values change nothing', async () => {
    const before = (await app.api.get(PATH)).body;
    const rows = (await auditOf(app, 'billing')).length;
    app.clock.advance({ hours: 1 });
    const { updatedAt, withoutEffect: _, ...same } = before;
    for (const body of [{}, same]) expect((await app.api.put(PATH, body)).body).toEqual(before);
    expect(await auditOf(app, 'billing')).toHaveLength(rows);
    expect(updatedAt < app.clock.now()).toBe(true);
  });

  test('200 replaces dunning as a whole; steps may be left out', async () => {
    const dunning = {
      enabled: false,
      reminderDays: 0,
      warningDays: null,
      finalNoticeDays: 1,
      suspensionDays: null,
      exhaustAfterDays: null,
      chargeRetryHours: [],
    };
    expect((await app.api.put(PATH, { dunning })).body.dunning).toEqual(dunning);
    const loaded = await loadBillingSettings(app.database.read, app.runtime.config);
    expect(loaded.dunning).toEqual(dunning);
    await app.api.put(PATH, { dunning: DEFAULTS.dunning });
  });

  test.each([
    [{ paymentTermsDays: 0, preRenewalInvoiceDays: 0, trialEndingNoticeDays: 0, licenseGraceDays: 0 }],
    [{ paymentTermsDays: 365, preRenewalInvoiceDays: 90, trialEndingNoticeDays: 30, licenseGraceDays: 90 }],
    [{ usageMaxAgeDays: 1, usageFutureToleranceSeconds: 0 }],
    [{ usageMaxAgeDays: 400, usageFutureToleranceSeconds: 3600 }],
    [{ invoicePrefix: 'A', creditNotePrefix: 'ABCDEFGHIJ', licenseKeyPrefix: 'AB' }],
    [{ invoicePrefix: 'CN', creditNotePrefix: 'INV' }],
    [{ dunning: { ...DEFAULTS.dunning, chargeRetryHours: [1, 720, 1, 1, 1, 1, 1, 1, 1, 1] } }],
    [{ defaultCurrency: 'JPY' }],
  ])('200 within bounds: %j', async (body) => {
    const answer = await app.api.put(PATH, body);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject(body);
  });

  const dunning = (over: object) => ({ dunning: { ...DEFAULTS.dunning, ...over } });
  test.each([
    [{ paymentTermsDays: 366 }, 'paymentTermsDays'],
    [{ paymentTermsDays: -1 }, 'paymentTermsDays'],
    [{ paymentTermsDays: 1.5 }, 'paymentTermsDays'],
    [{ paymentTermsDays: '30' }, 'paymentTermsDays'],
    [{ paymentTermsDays: null }, 'paymentTermsDays'],
    [{ preRenewalInvoiceDays: 91 }, 'preRenewalInvoiceDays'],
    [{ trialEndingNoticeDays: 31 }, 'trialEndingNoticeDays'],
    [{ licenseGraceDays: 91 }, 'licenseGraceDays'],
    [{ usageMaxAgeDays: 0 }, 'usageMaxAgeDays'],
    [{ usageMaxAgeDays: 401 }, 'usageMaxAgeDays'],
    [{ usageFutureToleranceSeconds: 3601 }, 'usageFutureToleranceSeconds'],
    [{ companyName: ' ' }, 'companyName'],
    [{ companyName: 'x'.repeat(256) }, 'companyName'],
    [{ companyAddress: 'x'.repeat(1001) }, 'companyAddress'],
    [{ companyEmail: 'nobody' }, 'companyEmail'],
    [{ companyTaxId: 'x'.repeat(101) }, 'companyTaxId'],
    [{ invoiceFooter: 'x'.repeat(1001) }, 'invoiceFooter'],
    [{ defaultCurrency: 'usd' }, 'defaultCurrency'],
    [{ defaultCurrency: 'XAU' }, 'defaultCurrency'],
    [{ defaultCurrency: 'ZZZ' }, 'defaultCurrency'],
    [{ invoicePrefix: 'inv' }, 'invoicePrefix'],
    [{ invoicePrefix: '' }, 'invoicePrefix'],
    [{ creditNotePrefix: 'ABCDEFGHIJK' }, 'creditNotePrefix'],
    [{ licenseKeyPrefix: 'A' }, 'licenseKeyPrefix'],
    [{ invoicePrefix: 'X', creditNotePrefix: 'X' }, 'creditNotePrefix'],
    [dunning({ warningDays: 3 }), 'dunning.warningDays'],
    [dunning({ warningDays: null, finalNoticeDays: 2 }), 'dunning.finalNoticeDays'],
    [dunning({ suspensionDays: 366 }), 'dunning.suspensionDays'],
    [dunning({ exhaustAfterDays: 0 }), 'dunning.exhaustAfterDays'],
    [dunning({ chargeRetryHours: Array(11).fill(1) }), 'dunning.chargeRetryHours'],
    [dunning({ chargeRetryHours: [0] }), 'dunning.chargeRetryHours.0'],
    [dunning({ chargeRetryHours: null }), 'dunning.chargeRetryHours'],
    [{ dunning: { enabled: true } }, 'dunning.reminderDays'],
    [{ dunning: null }, 'dunning'],
    [{ updatedAt: '2026-01-01T00:00:00Z' }, 'updatedAt'],
    [{ currency: 'USD' }, 'currency'],
  ])('400 validation_error for %j', async (body, field) => {
    const before = (await app.api.get(PATH)).body;
    const answer = await app.api.put(PATH, body);
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty([field]);
    expect((await app.api.get(PATH)).body).toEqual(before);
  });

  test('400 names the prefix that was sent', async () => {
    await app.api.put(PATH, { invoicePrefix: 'INV', creditNotePrefix: 'CN' });
    expect((await app.api.put(PATH, { invoicePrefix: 'CN' })).body.fields).toHaveProperty('invoicePrefix');
    expect((await app.api.put(PATH, { creditNotePrefix: 'INV' })).body.fields).toHaveProperty('creditNotePrefix');
  });
});

test('simultaneous first updates of different members are both kept', async () => {
  const fresh = await startApp();
  const bodies = [
    { companyName: 'Acme' },
    { paymentTermsDays: 10 },
    { invoiceFooter: 'Thanks' },
    { licenseGraceDays: 1 },
  ];
  const answers = await Promise.all(bodies.map((body) => fresh.api.put(PATH, body)));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
  expect((await fresh.api.get(PATH)).body).toMatchObject(Object.assign({}, ...bodies));
  await fresh.close();
});
