import type { Features } from '../../billing/plans/plan.ts';
import { epochSeconds, type Instant, utcDate } from '../../platform/calendar.ts';

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

/**
 * Whether a payload that was signed before the licence changed states nothing that is no longer so: the same product and
 * features, no more devices, and an end that is neither past nor later than that of the licence (rules L15).
 */
export function statesNoMore(
  payload: string,
  license: Pick<Statement, 'productId' | 'features' | 'maxActivations' | 'expiresAt'>,
  now: Instant,
): boolean {
  const stated = JSON.parse(payload) as {
    productId: string;
    entitlements: Features;
    maxActivations?: number;
    exp?: number;
  };
  const at = (instant: Instant | null): number =>
    instant === null ? Number.POSITIVE_INFINITY : Number(epochSeconds(instant));
  const { maxActivations = Number.POSITIVE_INFINITY, exp = Number.POSITIVE_INFINITY } = stated;
  return (
    stated.productId === license.productId &&
    sameFeatures(stated.entitlements, license.features) &&
    maxActivations <= (license.maxActivations ?? Number.POSITIVE_INFINITY) &&
    exp <= at(license.expiresAt) &&
    exp > at(now)
  );
}

const sameFeatures = (a: Features, b: Features): boolean =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

const sortedNames = (features: Features): string[] => Object.keys(features).sort();

/** The names of what is granted: whose value is neither false, null, 0 nor "". */
const grantedFeatures = (features: Features): string[] =>
  sortedNames(features).filter((name) => Boolean(features[name]));
