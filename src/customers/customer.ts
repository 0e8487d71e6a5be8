import type { Instant } from '../platform/calendar.ts';
import { refuse } from '../platform/errors.ts';
import { exponentOf } from '../platform/money.ts';
import type { PaymentMethodCode } from '../providers/methods.ts';
import { type CustomerReferences, noReferences } from './references.ts';

export type CustomerTier = 'starter' | 'professional' | 'enterprise';
export type Metadata = Record<string, string | number | boolean>;

/** The members a caller may set. */
export interface CustomerMembers extends CustomerReferences {
  name: string;
  email: string;
  company: string | null;
  tier: CustomerTier;
  billingEmail: string | null;
  phone: string | null;
  billingAddress: string | null;
  billingCity: string | null;
  billingState: string | null;
  billingZip: string | null;
  billingCountry: string | null;
  taxId: string | null;
  paymentMethod: PaymentMethodCode | null;
  currency: string | null;
  metadata: Metadata;
}

export interface Customer extends CustomerMembers {
  id: string;
  version: number;
  createdAt: Instant;
  updatedAt: Instant;
}

export type CustomerChange = { [M in keyof CustomerMembers]?: CustomerMembers[M] | undefined };

/** E-mails are unique by this key: the same address in other capitals is the same customer. */
export const emailKey = (email: string): string => email.toLowerCase();

/** A new customer. Throws AppError `validation_error` on `currency`. */
export function newCustomer(
  id: string,
  members: Pick<CustomerMembers, 'name' | 'email'> & CustomerChange,
  now: Instant,
): Customer {
  const bare: Customer = {
    id,
    name: members.name,
    email: members.email,
    company: null,
    tier: 'starter',
    billingEmail: null,
    phone: null,
    billingAddress: null,
    billingCity: null,
    billingState: null,
    billingZip: null,
    billingCountry: null,
    taxId: null,
    paymentMethod: null,
    currency: null,
    metadata: {},
    ...noReferences(),
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
  return changedCustomer(bare, members);
}

/** The customer as it would be: absent members stay, null clears. Throws AppError `validation_error` on `currency`. */
export function changedCustomer(before: Customer, change: CustomerChange): Customer {
  const sent = Object.entries(change).filter(([, value]) => value !== undefined);
  const after: Customer = { ...before, ...Object.fromEntries(sent) };
  if (after.currency !== null) exponentOf(after.currency);
  return after;
}

const OWN_MEMBERS: ReadonlySet<string> = new Set<keyof CustomerMembers>([
  'name',
  'company',
  'billingEmail',
  'phone',
  'billingAddress',
  'billingCity',
  'billingState',
  'billingZip',
  'billingCountry',
  'taxId',
  'paymentMethod',
]);

/** What a key of the customer itself may change (contract 2.28). Throws AppError `forbidden`. */
export function checkOwnChange(change: CustomerChange): void {
  const foreign = Object.keys(change).filter((member) => !OWN_MEMBERS.has(member));
  if (foreign.length === 0) return;
  const fields = Object.fromEntries(foreign.map((member) => [member, 'may be changed by the operator only']));
  throw refuse('forbidden', 'This API key may not change these members.', fields);
}

/** The facts a health score is made of (rules R9). */
export interface HealthFacts {
  live: boolean;
  troubled: boolean;
  ending: boolean;
  paid: boolean;
  seen: boolean;
  overdue: boolean;
}

/** 0..100 (rules R9). */
export function healthScore(facts: HealthFacts): number {
  const score =
    50 +
    (facts.live ? 20 : 0) +
    (facts.paid ? 15 : 0) +
    (facts.seen ? 15 : 0) -
    (facts.overdue ? 20 : 0) -
    (facts.troubled ? 15 : 0) -
    (facts.ending ? 10 : 0);
  return Math.min(100, Math.max(0, score));
}
