import { isObject } from './payload.ts';

const REFUSALS = [
  'license_not_found',
  'license_revoked',
  'license_suspended',
  'license_expired',
  'license_product_mismatch',
  'activation_limit_reached',
] as const;

/** What the server says against a licence or a device. */
export type OnlineRefusal = (typeof REFUSALS)[number] | 'license_refused';

/** `checkedAt`: the server's time in Unix seconds; undefined when it does not tell it. */
export type OnlineAnswer = { checkedAt?: number | undefined } & (
  | { valid: true; entitlements: Record<string, unknown>; expiresAt: string | null }
  | { valid: false; reason: OnlineRefusal }
);

export interface Question {
  url: string;
  body: { licenseKey: string; deviceId: string; deviceName?: string; productId: string };
  timeoutMs: number;
  fetch: typeof fetch;
}

/** Asks the server. Undefined when there is no answer of it: no network, too late, an error, or somebody else's page. */
export async function askServer({ url, body, timeoutMs, fetch }: Question): Promise<OnlineAnswer | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
    });
    return readAnswer(response.status, await response.json());
  } catch {
    return undefined;
  }
}

function readAnswer(status: number, answer: unknown): OnlineAnswer | undefined {
  if (!isObject(answer)) return undefined;
  if (status === 404 && answer.error === 'license_not_found') return { valid: false, reason: answer.error };
  if (status !== 200) return undefined;
  const { valid, features, expiresAt, error } = answer;
  const checkedAt = secondsOf(answer.checkedAt);
  if (valid === false)
    return { valid, checkedAt, reason: REFUSALS.find((known) => known === error) ?? 'license_refused' };
  if (valid !== true || !isObject(features) || (expiresAt !== null && typeof expiresAt !== 'string')) return undefined;
  return { valid, checkedAt, entitlements: features, expiresAt };
}

function secondsOf(instant: unknown): number | undefined {
  const seconds = typeof instant === 'string' ? Math.floor(Date.parse(instant) / 1000) : Number.NaN;
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : undefined;
}
