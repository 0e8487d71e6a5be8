import type { Features } from '../billing/plans/plan.ts';
import { epochSeconds, type Instant, utcDate } from '../platform/calendar.ts';

/** What a signature states (rules L11). */
export interface Statement {
  licenseKey: string;
  customerId: string;
  customerName: string;
  productId: string;
  productName: string;
  features: Features;
  maxActivations: number | null;
  signedAt: Instant;
  expiresAt: Instant | null;
  seq: number;
  kid: string;
}

const NEVER = '9999-12-31';

/** The signed text: compact JSON with the members in the order of rules L11. */
export function composePayload(of: Statement): string {
  const member = (name: string, value: unknown): string => `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  const entitlements = sortedNames(of.features).map((name) => member(name, of.features[name]));
  return `{${[
    member('licenseId', of.licenseKey),
    member('customerId', of.customerId),
    member('customerName', of.customerName),
    member('productId', of.productId),
    member('productName', of.productName),
    member('features', grantedFeatures(of.features)),
    ...(of.maxActivations === null ? [] : [member('maxActivations', of.maxActivations)]),
    member('issuedAt', utcDate(of.signedAt)),
    member('expiresAt', of.expiresAt === null ? NEVER : utcDate(of.expiresAt)),
    // written by hand: an object would put names such as "10" first, whatever their order
    `"entitlements":{${entitlements.join(',')}}`,
    member('iat', Number(epochSeconds(of.signedAt))),
    ...(of.expiresAt === null ? [] : [member('exp', Number(epochSeconds(of.expiresAt)))]),
    member('seq', of.seq),
    member('kid', of.kid),
  ].join(',')}}`;
}

const sortedNames = (features: Features): string[] => Object.keys(features).sort();

/** The names of what is granted: whose value is neither false, null, 0 nor "". */
const grantedFeatures = (features: Features): string[] =>
  sortedNames(features).filter((name) => Boolean(features[name]));
