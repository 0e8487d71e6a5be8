import { TAX_PROVIDERS } from '../../../src/providers/list.ts';
import { type StartOptions, type TestApp, testConfig } from '../../support/app.ts';
import { STRIPE_KEY, startStripeTax, startTaxJar, TAXJAR_KEY, type TaxSimulator } from '../../support/providers/tax.ts';
import { type Entity, startAt } from '../support.ts';

export const NOW = '2026-03-15T10:30:00.000Z';

export interface TaxedApp {
  app: TestApp;
  provider: TaxSimulator;
}

const simulators: TaxSimulator[] = [];
export const closeSimulators = () => Promise.all(simulators.splice(0).map((one) => one.close()));

/** Whoever is asked, it is the simulator. */
const everywhere = (url: string) => Object.fromEntries(TAX_PROVIDERS.map((name) => [name, url]));

/** A server whose taxes come from a simulated TaxJar (or Stripe Tax), enabled through the API. */
export async function startTaxed(name: 'taxjar' | 'stripe' = 'taxjar', options: StartOptions = {}): Promise<TaxedApp> {
  const provider = name === 'taxjar' ? await startTaxJar() : await startStripeTax();
  simulators.push(provider);
  const urls = { origins: everywhere(provider.url), timeoutMs: 400 };
  const config = { ...options.config, providers: { ...testConfig.providers, ...urls } };
  const app = await startAt(NOW, { ...options, config });
  if (name === 'stripe') await put(app, 'stripe', { secretKey: STRIPE_KEY });
  await put(app, 'tax', { externalProvider: name, taxjarApiKey: TAXJAR_KEY, enabled: true });
  return { app, provider };
}

export async function put(app: TestApp, section: string, body: object): Promise<void> {
  const answer = await app.api.put(`/api/settings/providers/${section}`, body);
  if (answer.status !== 200) throw new Error(answer.text);
}

export const french = (app: TestApp, over: object = {}): Promise<Entity> =>
  app.given.customer({ billingCountry: 'FR', ...over });

/** An invoice over 100.00, issued at once. */
export const sell = (app: TestApp, customerId: string, over: object = {}, headers = {}) =>
  app.api.post(
    '/api/billing/invoices',
    {
      customerId,
      status: 'issued',
      lineItems: [{ description: 'Consulting', quantity: 1, unitPrice: '100.00' }],
      ...over,
    },
    headers,
  );

export async function untaxedOf(app: TestApp): Promise<number> {
  const { text } = await app.anonymous.get('/metrics');
  return Number(/^invoices_without_tax_rule_total (\d+)$/m.exec(text)?.[1]);
}
