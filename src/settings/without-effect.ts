import { PAYMENT_PROVIDERS, providerOf, TAX_PROVIDERS, taxOf } from '../providers/list.ts';

/**
 * Settings that are kept and that nothing reads yet: who sets one is told so in the answer (contract 3.9). What comes to
 * work leaves its list; test/settings/without-effect.test.ts compares them with the code.
 */
export const BILLING_WITHOUT_EFFECT: readonly string[] = ['dunning'];

/** Nobody collects money yet; the keys with which a tax provider is asked are used. */
const USED: readonly string[] = TAX_PROVIDERS.map((name) => taxOf(name).key);

export const PROVIDERS_WITHOUT_EFFECT: readonly string[] = PAYMENT_PROVIDERS.flatMap((name) => {
  const { section, members } = providerOf(name).settings;
  return ['enabled', ...Object.keys(members)].map((member) => `${section}.${member}`);
}).filter((name) => !USED.includes(name));
