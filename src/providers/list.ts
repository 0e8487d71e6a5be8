import type { ExternalTaxProvider, PaymentProvider as Promised } from '../../generated/types.gen.ts';
import { lemonsqueezy } from './lemonsqueezy/provider.ts';
import type { Provider } from './provider.ts';
import { stripe } from './stripe/provider.ts';
import { taxjar } from './taxjar/provider.ts';
import { xendit } from './xendit/provider.ts';

/** The only wiring list: every provider of this server. */
export const PROVIDERS = { stripe, xendit, lemonsqueezy, taxjar } as const satisfies Record<string, Provider>;

type Providers = typeof PROVIDERS;
export type ProviderName = keyof Providers;
type With<Capability> = { [P in ProviderName]: Providers[P] extends Capability ? P : never }[ProviderName];

export type PaymentProvider = With<{ payments: object }>;
export type TaxProvider = With<{ tax: object }>;
/** Those at which a customer has an id. */
export type CustomerIdProvider = With<{ payments: { customerIds: true } }>;
/** A section of the settings; `tax` says which provider is asked, and holds the members of those without one of their own. */
export type Section = Providers[ProviderName]['settings']['section'] | 'tax';

type Same<A, B> = [A, B] extends [B, A] ? true : never;
type Holds<T extends true> = T;
/** The contract names the same providers: else this does not compile. */
export type Agreed = [Holds<Same<PaymentProvider, Promised>>, Holds<Same<TaxProvider, ExternalTaxProvider>>];

const named = Object.entries(PROVIDERS) as [ProviderName, Provider][];
const having = (has: (provider: Provider) => unknown) => named.filter(([, one]) => has(one)).map(([name]) => name);

export const PROVIDER_NAMES: readonly ProviderName[] = named.map(([name]) => name);
export const PAYMENT_PROVIDERS = having(({ payments }) => payments) as PaymentProvider[];
export const TAX_PROVIDERS = having(({ tax }) => tax) as TaxProvider[];
export const CUSTOMER_ID_PROVIDERS = having(({ payments }) => payments?.customerIds) as CustomerIdProvider[];

export const providerOf = (name: ProviderName): Provider => PROVIDERS[name];
export const taxOf = (name: TaxProvider) => PROVIDERS[name].tax;

/** A stored name of a tax provider. Throws when this server does not know it: it must not become "no tax". */
export function knownTaxProvider(name: string): TaxProvider {
  const known = TAX_PROVIDERS.find((one) => one === name);
  if (known === undefined) throw new Error(`The tax provider ${JSON.stringify(name)} is not known to this server.`);
  return known;
}
