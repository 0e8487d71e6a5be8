import { decodeUtf8 } from './file.ts';

/** What is signed (rules L11). Members that this version does not know are kept. */
export interface LicensePayload {
  /** The licence key. */
  licenseId: string;
  customerId: string;
  customerName: string;
  productId: string;
  productName: string;
  /** The names of what is switched on, sorted. */
  features: string[];
  /** Devices that may use it; absent when unlimited. */
  maxActivations?: number;
  /** UTC date `YYYY-MM-DD`. */
  issuedAt: string;
  /** UTC date `YYYY-MM-DD`; `9999-12-31` when it never expires. */
  expiresAt: string;
  /** All features with their values. */
  entitlements: Record<string, unknown>;
  /** When it was signed, in Unix seconds. */
  iat: number;
  /** When it expires, in Unix seconds; absent when it never does. */
  exp?: number;
  /** Counts the signatures of this licence, from 1. */
  seq: number;
  /** Thumbprint of the key that signed. */
  kid?: string;
}

type JsonObject = Record<string, unknown>;
const NEVER = '9999-12-31';

/** The JSON object in the bytes; undefined when there is none. Nothing of it is to be believed yet. */
export function readJson(bytes: Uint8Array): JsonObject | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string => typeof value === 'string';
const isDate = (value: unknown): boolean => isText(value) && /^\d{4}-\d\d-\d\d$/.test(value);
const isWhole = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;
const isOptional = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value);

const MEMBERS: Record<keyof LicensePayload, (value: unknown) => boolean> = {
  licenseId: (value) => isText(value) && /^[A-Z0-9][A-Z0-9-]{2,62}[A-Z0-9]$/.test(value),
  customerId: isText,
  customerName: isText,
  productId: isText,
  productName: isText,
  features: (value) => Array.isArray(value) && value.every(isText),
  maxActivations: (value) => isOptional(value, (count) => isWhole(count, 1)),
  issuedAt: isDate,
  expiresAt: isDate,
  entitlements: isObject,
  iat: (value) => isWhole(value, 0),
  exp: (value) => isOptional(value, (seconds) => isWhole(seconds, 0)),
  seq: (value) => isWhole(value, 1),
  kid: (value) => isOptional(value, isText),
};

/** Whether the members have the types of rules L11. Without `exp` a licence must also say in words that it never ends. */
export function isPayload(value: JsonObject): value is JsonObject & LicensePayload {
  const own = (name: string): unknown => (Object.hasOwn(value, name) ? value[name] : undefined);
  if (!Object.entries(MEMBERS).every(([name, fits]) => fits(own(name)))) return false;
  return own('exp') !== undefined || own('expiresAt') === NEVER;
}

/** `kid` before the signature is checked: it may only choose among keys that are trusted anyway (rules L13 step 2). */
export const claimedKid = (value: JsonObject): unknown => (Object.hasOwn(value, 'kid') ? value.kid : undefined);
