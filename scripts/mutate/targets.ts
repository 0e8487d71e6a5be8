const pricing = (...names: string[]) => names.map((name) => `test/billing/pricing/${name}.test.ts`);

/** What is mutated, and the unit tests that ought to notice: without a server or a database. */
export const TARGETS: Record<string, string[]> = {
  'src/billing/pricing/compose.ts': pricing('compose', 'compose-properties', 'explain'),
  'src/billing/pricing/discounts.ts': pricing('compose', 'compose-properties', 'explain'),
  'src/billing/pricing/explain.ts': pricing('explain'),
  'src/billing/pricing/full-price.ts': pricing('proration'),
  'src/billing/pricing/input-text.ts': pricing('explain'),
  'src/billing/pricing/lines.ts': pricing('lines', 'compose', 'explain', 'proration'),
  'src/billing/pricing/mrr.ts': pricing('mrr'),
  'src/billing/pricing/prices.ts': pricing('prices', 'lines'),
  'src/billing/pricing/proration.ts': pricing('proration', 'explain'),
  'src/billing/pricing/quantity.ts': pricing('lines'),
  'src/billing/pricing/reversal.ts': pricing('reversal', 'proration'),
  'src/billing/pricing/tax.ts': pricing('tax', 'compose'),
  'src/billing/pricing/tiers.ts': pricing('prices', 'lines'),
  'src/billing/pricing/trace.ts': pricing('explain'),
  'src/billing/ledger/entries.ts': ['test/billing/ledger/entries.test.ts'],
  'src/licenses/following/follow-rules.ts': ['test/licenses/follow-rules.test.ts'],
  'src/licenses/license.ts': ['test/licenses/license-rules.test.ts'],
  'src/licenses/signing/payload.ts': ['test/licenses/license-rules.test.ts', 'test/licenses/file.test.ts'],
  'src/accounts/logins/throttle.ts': ['test/accounts/throttle.test.ts'],
  'src/accounts/logins/turns.ts': ['test/accounts/turns.test.ts'],
  'src/platform/money.ts': ['test/platform/money.test.ts'],
};
