import { keys, type SigningKey, sign } from './keys.ts';

/** Features as the server keeps them, and what else varies from one licence to the next. */
export interface Licence {
  licenseId: string;
  customerName: string;
  productId: string;
  productName: string;
  features: Record<string, unknown>;
  maxActivations: number | null;
  issued: string;
  expires: string | null;
  seq: number;
  key: SigningKey;
}

export const KEY = 'RUSTBILL-7K3F-9QWX-M2TB';
export const PRODUCT = '01JQX8Z5T6V7W8X9Y0Z1A2B3C7';

const base: Licence = {
  licenseId: KEY,
  customerName: 'Acme Corp',
  productId: PRODUCT,
  productName: 'Desktop Pro',
  features: { enterprise: true, pro: true, beta: false, max_users: 50 },
  maxActivations: 5,
  issued: '2026-01-15T10:00:00Z',
  expires: '2027-01-15T10:00:00Z',
  seq: 1,
  key: keys.a,
};

export const seconds = (instant: string): number => Date.parse(instant) / 1000;

/** The members of a payload in the order of rules L11. */
export function payloadOf(changes: Partial<Licence> = {}): Record<string, unknown> {
  const licence = { ...base, ...changes };
  const { features, maxActivations, issued, expires } = licence;
  const names = Object.keys(features).sort();
  return {
    licenseId: licence.licenseId,
    customerId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C6',
    customerName: licence.customerName,
    productId: licence.productId,
    productName: licence.productName,
    features: names.filter((name) => ![false, null, 0, ''].includes(features[name] as never)),
    ...(maxActivations === null ? {} : { maxActivations }),
    issuedAt: issued.slice(0, 10),
    expiresAt: expires?.slice(0, 10) ?? '9999-12-31',
    entitlements: Object.fromEntries(names.map((name) => [name, features[name]])),
    iat: seconds(issued),
    ...(expires === null ? {} : { exp: seconds(expires) }),
    seq: licence.seq,
    kid: licence.key.jwk.kid,
  };
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const wrap = (base64: string): string => base64.replace(/.{76}(?=.)/g, '$&\n');
export const block = (name: string, base64: string): string =>
  `-----BEGIN ${name}-----\n${wrap(base64)}\n-----END ${name}-----\n`;

/** A file as rules L12 have it. */
export const fileOf = (payload: Buffer, signature: Buffer): string =>
  block('LICENSE', payload.toString('base64')) + block('SIGNATURE', signature.toString('base64'));

/** A genuine file over any bytes. */
export const signedBytes = (payload: Buffer, key: SigningKey = keys.a): string => fileOf(payload, sign(key, payload));

/** A genuine file over any JSON. */
export const signedJson = (value: unknown, key: SigningKey = keys.a): string => signedBytes(json(value), key);

/** The file of a licence. */
export const signed = (changes: Partial<Licence> = {}): string => signedJson(payloadOf(changes), changes.key ?? keys.a);
