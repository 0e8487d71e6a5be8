import { afterEach, describe, expect, test } from '@jest/globals';
import { createVault } from '../../src/platform/secrets.ts';
import { reencryptProviderSettings } from '../../src/settings/provider-store.ts';
import { auditOf } from '../accounts/support.ts';
import { type StartOptions, startApp, type TestApp, testConfig } from '../support/app.ts';

const PATH = '/api/settings/providers';
const STRIPE = { secretKey: 'sk_live_0123456789', webhookSecret: 'whsec_abcdefgh' };

const apps: TestApp[] = [];
async function start(options: StartOptions = {}): Promise<TestApp> {
  const app = await startApp(options);
  apps.push(app);
  return app;
}
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

const withEnvironment = (members: Record<string, string>): StartOptions => ({
  config: { providers: { ...testConfig.providers, members } },
});
const rows = (app: TestApp) => app.database.read('settings').whereNot({ key: 'billing' }).orderBy('key');

describe('GET /api/settings/providers', () => {
  test('200 nothing is set at first', async () => {
    const app = await start();
    const { status, body } = await app.api.get(PATH);
    const none = { enabled: false, configured: false, source: null };
    expect([status, body]).toEqual([
      200,
      {
        stripe: { ...none, secretKey: null, webhookSecret: null },
        xendit: { ...none, secretKey: null, webhookToken: null },
        lemonsqueezy: { ...none, apiKey: null, storeId: null, variantId: null, webhookSecret: null },
        tax: { ...none, externalProvider: null, taxjarApiKey: null },
        withoutEffect: expect.arrayContaining(['stripe.enabled', 'xendit.enabled', 'lemonsqueezy.enabled']),
      },
    ]);
  });

  test('200 what the environment gives, masked, not enabled', async () => {
    const app = await start(
      withEnvironment({
        'stripe.secretKey': 'sk_live_0123456789',
        'stripe.webhookSecret': 'short',
        'lemonsqueezy.storeId': '77',
      }),
    );
    const { stripe, lemonsqueezy } = (await app.api.get(PATH)).body;
    expect(stripe).toEqual({
      enabled: false,
      configured: true,
      source: 'environment',
      secretKey: '••••••••6789',
      webhookSecret: '••••••••',
    });
    expect(lemonsqueezy).toMatchObject({ configured: false, source: null, storeId: '77' });
  });
});

describe('PUT /api/settings/providers/{section}', () => {
  test('200 stores secrets encrypted, answers them masked, and no log or audit row holds them', async () => {
    const app = await start();
    const { status, body } = await app.api.put(`${PATH}/stripe`, { ...STRIPE, enabled: true });
    expect([status, body.stripe]).toEqual([
      200,
      {
        enabled: true,
        configured: true,
        source: 'database',
        secretKey: '••••••••6789',
        webhookSecret: '••••••••efgh',
      },
    ]);
    expect((await app.api.get(PATH)).body).toEqual(body);
    const stored = await rows(app);
    expect(stored.map(({ key }) => key)).toEqual(['providers', 'stripe.secretKey', 'stripe.webhookSecret']);
    expect(stored[1].value).toMatch(new RegExp(`^v1\\.${app.runtime.vault.keyId}\\.`));
    expect(app.runtime.vault.decrypt(stored[1].value, 'stripe.secretKey')).toBe(STRIPE.secretKey);
    const audits = await auditOf(app, 'providers.stripe');
    expect(audits).toHaveLength(1);
    expect(audits[0]?.reason).toBe('secrets changed: secretKey, webhookSecret');
    for (const text of [JSON.stringify(stored), JSON.stringify(audits), JSON.stringify(body)])
      expect(text).not.toMatch(/0123456789|whsec_/);
  });

  test('200 absent keeps, null falls back to the environment, the same again changes nothing', async () => {
    const app = await start(withEnvironment({ 'stripe.webhookSecret': 'whsec_environment' }));
    await app.api.put(`${PATH}/stripe`, STRIPE);
    await app.api.put(`${PATH}/stripe`, {});
    await app.api.put(`${PATH}/stripe`, STRIPE);
    expect(await auditOf(app, 'providers.stripe')).toHaveLength(1);
    const cleared = (await app.api.put(`${PATH}/stripe`, { webhookSecret: null })).body.stripe;
    expect(cleared).toMatchObject({ webhookSecret: '••••••••ment', source: 'database', configured: true });
    const all = (await app.api.put(`${PATH}/stripe`, { secretKey: null })).body.stripe;
    expect(all).toMatchObject({ secretKey: null, source: 'environment', configured: false });
    expect((await rows(app)).map(({ key }) => key)).toEqual(['providers']);
  });

  test('400 validation_error for a masked value sent back, and for one that no header can carry', async () => {
    const app = await start();
    await app.api.put(`${PATH}/stripe`, STRIPE);
    for (const secretKey of ['••••••••6789', 'sk live', 'sk_live\nX-Evil: 1', ' sk_live', 'schlüssel']) {
      const { status, body } = await app.api.put(`${PATH}/stripe`, { secretKey });
      expect([status, body.error, Object.keys(body.fields ?? {})]).toEqual([400, 'validation_error', ['secretKey']]);
      expect(JSON.stringify(body)).not.toContain('live');
    }
    expect((await app.api.get(PATH)).body.stripe.secretKey).toBe('••••••••6789');
  });

  test.each([
    ['stripe', { secretKey: 'sk_1' }, ['webhookSecret']],
    ['xendit', {}, ['secretKey', 'webhookToken']],
    ['lemonsqueezy', { apiKey: 'key', variantId: '1' }, ['storeId', 'webhookSecret']],
    ['tax', {}, ['externalProvider']],
    ['tax', { externalProvider: 'taxjar' }, ['taxjarApiKey']],
    ['tax', { externalProvider: 'stripe' }, ['externalProvider']],
  ])('400 validation_error when %s is enabled with %j', async (section, body, fields) => {
    const app = await start();
    const answer = await app.api.put(`${PATH}/${section}`, { ...body, enabled: true });
    expect([answer.status, answer.body.error, Object.keys(answer.body.fields)]).toEqual([
      400,
      'validation_error',
      fields,
    ]);
    expect((await app.api.get(PATH)).body[section].enabled).toBe(false);
    expect((await app.api.put(`${PATH}/${section}`, body)).status).toBe(200);
  });

  test('400 validation_error when an enabled section would lose what it needs', async () => {
    const app = await start();
    await app.api.put(`${PATH}/stripe`, STRIPE);
    await app.api.put(`${PATH}/tax`, { externalProvider: 'stripe', enabled: true });
    const stripe = await app.api.put(`${PATH}/stripe`, { secretKey: null });
    expect([stripe.status, Object.keys(stripe.body.fields)]).toEqual([400, ['secretKey']]);
    const tax = await app.api.put(`${PATH}/tax`, { externalProvider: null });
    expect([tax.status, Object.keys(tax.body.fields)]).toEqual([400, ['externalProvider']]);
    expect((await app.api.get(PATH)).body.tax).toEqual({
      enabled: true,
      configured: true,
      source: 'database',
      externalProvider: 'stripe',
      taxjarApiKey: null,
    });
    expect((await app.api.put(`${PATH}/tax`, { externalProvider: null, enabled: false })).status).toBe(200);
    expect((await app.api.put(`${PATH}/stripe`, { secretKey: null })).status).toBe(200);
  });

  test('404 not_found for another section', async () => {
    const app = await start();
    const { status, body } = await app.api.put(`${PATH}/paypal`, {});
    expect([status, body.error]).toEqual([404, 'not_found']);
  });

  test('401 unauthorized without credentials', async () => {
    const app = await start();
    for (const answer of [await app.anonymous.get(PATH), await app.anonymous.put(`${PATH}/tax`, {})])
      expect([answer.status, answer.body.error]).toEqual([401, 'unauthorized']);
  });
});

describe('another SECRET_KEY (rules H7)', () => {
  const [OLD, NEW] = ['the old key of the tests, long enough', 'the new key of the tests, long enough'];

  test('the previous key still decrypts; at start everything is encrypted with the present one', async () => {
    const app = await start({ config: { secretKey: OLD } });
    await app.api.put(`${PATH}/stripe`, STRIPE);
    const runtime = { ...app.runtime, vault: createVault(NEW, OLD) };
    expect(await reencryptProviderSettings(runtime)).toBe(2);
    expect(await reencryptProviderSettings(runtime)).toBe(0);
    const [, secretKey] = await rows(app);
    expect(secretKey.key_id).toBe(createVault(NEW).keyId);
    expect(createVault(NEW).decrypt(secretKey.value, 'stripe.secretKey')).toBe(STRIPE.secretKey);
  });

  test('a secret nobody can read is no value, stays where it is, and can be replaced', async () => {
    const app = await start({ config: { secretKey: OLD } });
    const foreign = createVault(NEW);
    const row = { value: foreign.encrypt('sk_lost', 'stripe.secretKey'), key_id: foreign.keyId };
    await app.database.write('settings').insert({ key: 'stripe.secretKey', secret: true, ...row });
    expect((await app.api.get(PATH)).body.stripe).toMatchObject({ secretKey: null, source: null });
    expect(await reencryptProviderSettings(app.runtime)).toBe(1);
    await app.api.put(`${PATH}/stripe`, { webhookSecret: 'whsec_new' });
    expect((await rows(app)).find(({ key }) => key === 'stripe.secretKey').value).toBe(row.value);
    const { stripe } = (await app.api.put(`${PATH}/stripe`, { secretKey: 'sk_again_1234' })).body;
    expect(stripe.secretKey).toBe('••••••••1234');
  });
});
