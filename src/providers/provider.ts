import type { TaxCapability } from './tax.ts';

/** One member of a provider's settings (contract 3.9). */
export interface Member {
  /** A secret is stored encrypted and answered masked. */
  readonly kind: 'secret' | 'plain';
  /** The variable of the environment that counts while nothing is set. */
  readonly env: string;
  readonly maxLength: number;
}

export interface ProviderSection {
  /** Where in the settings its members stand: a section of its own, or `tax`. */
  readonly section: string;
  /** All of them are needed to enable a section of its own. */
  readonly members: Readonly<Record<string, Member>>;
}

/** It collects money: payments carry its name as their method, and subscriptions may be managed by it. */
export interface PaymentCapability {
  /** A customer has an id there, which callers may store (`{name}CustomerId`, column `{name}_customer_id`). */
  readonly customerIds: boolean;
}

/** A service outside. Its name is the key in `list.ts`. */
export interface Provider {
  /** As people know it. */
  readonly title: string;
  readonly settings: ProviderSection;
  /** Where it is called: the variable for another origin, and its own. Absent: it is not called yet. */
  readonly origin?: { readonly env: string; readonly own: string };
  readonly payments?: PaymentCapability;
  readonly tax?: TaxCapability;
}

/** The provider has no exact expression for the amount; the caller refuses before any call (rules M9, A6). */
export class UnitError extends Error {}
