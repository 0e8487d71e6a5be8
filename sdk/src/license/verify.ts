import { readBlocks, type SignedBytes } from './file.ts';
import { hasSigned, type LicensePublicKeys, readPublicKeys, thumbprint } from './keys.ts';
import { claimedKid, isPayload, type LicensePayload, readJson } from './payload.ts';
import { isRevoked, isState, type LicenseState, latestTime, type Rollback, remember, rollback } from './state.ts';

export interface VerifyOptions {
  /** The keys that may sign. Build them into the product; a file or an answer must never bring its own. */
  publicKeys: LicensePublicKeys;
  /** The id of the product that asks. A licence of another product is refused. */
  productId: string;
  /** What the last check gave back, or null at the very first one. */
  state: LicenseState | null;
  /** When given, only the file of this licence is accepted. */
  licenseKey?: string;
  /** The system clock when absent. */
  now?: Date;
  /** Days that an expired licence is still accepted, 0 when absent. */
  graceDays?: number;
}

export type LicenseRefusal =
  | 'malformed'
  | 'unknown_key'
  | 'bad_signature'
  | 'revoked'
  | 'expired'
  | Rollback
  | 'bad_state'
  | 'wrong_product'
  | 'wrong_license'
  | 'unsupported_platform';

/** `state` is to be stored whenever it changed, whether the licence is valid or not. */
export type LicenseResult =
  | { valid: true; license: LicensePayload; inGracePeriod: boolean; state: LicenseState }
  | { valid: false; reason: LicenseRefusal; state: LicenseState | null };

const DAY = 86_400;

/**
 * Decides offline whether a licence file is genuine and in force (rules L13), from its text or bytes. Whatever is in
 * the file or in the state, it answers; it rejects with a TypeError only when an option is wrong.
 */
export async function verifyLicenseFile(
  file: string | Uint8Array | ArrayBuffer,
  options: VerifyOptions,
): Promise<LicenseResult> {
  const given = checkOptions(options);
  const refuse = (reason: LicenseRefusal): LicenseResult => ({ valid: false, reason, state: given.state });
  const blocks = readBlocks(file);
  const json = blocks && readJson(blocks.payload);
  if (!blocks || !json) return refuse('malformed');
  const untrusted = await signatureProblem(blocks, claimedKid(json), given.keys);
  if (untrusted) return refuse(untrusted);
  // From here on the payload is what the server has signed.
  if (!isPayload(json)) return refuse('malformed');
  return judge(json, given);
}

interface Given {
  keys: string[];
  productId: string;
  licenseKey: string | undefined;
  state: LicenseState | null;
  /** Unix seconds, with their fraction. */
  now: number;
  graceDays: number;
}

/** Steps 4 to 6, in this order. What a genuine file and the clock show counts as seen even when it is refused. */
function judge(
  license: LicensePayload,
  { state: stored, now, graceDays, productId, licenseKey }: Given,
): LicenseResult {
  const state = stored === null ? {} : stored;
  const readable = isState(state);
  const refuse = (reason: LicenseRefusal): LicenseResult => ({
    valid: false,
    reason,
    state: readable ? remember(state, license, now) : stored,
  });
  const { exp } = license;
  if (readable && isRevoked(state, license.licenseId)) return refuse('revoked');
  const latest = readable ? latestTime(license, state, now) : now;
  if (exp !== undefined && latest >= exp + graceDays * DAY) return refuse('expired');
  if (!readable) return refuse('bad_state');
  const rolledBack = rollback(license, state, now);
  if (rolledBack) return refuse(rolledBack);
  if (license.productId !== productId) return refuse('wrong_product');
  if (licenseKey !== undefined && license.licenseId !== licenseKey) return refuse('wrong_license');
  const inGracePeriod = exp !== undefined && latest >= exp;
  return { valid: true, license, inGracePeriod, state: remember(state, license, now) };
}

type SignatureProblem = 'malformed' | 'unknown_key' | 'bad_signature' | 'unsupported_platform';

async function signatureProblem(
  blocks: SignedBytes,
  kid: unknown,
  keys: string[],
): Promise<SignatureProblem | undefined> {
  if (kid !== undefined && typeof kid !== 'string') return 'malformed';
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return 'unsupported_platform';
  try {
    const candidates: string[] = [];
    for (const x of keys) if (kid === undefined || (await thumbprint(subtle, x)) === kid) candidates.push(x);
    if (candidates.length === 0) return 'unknown_key';
    for (const x of candidates) if (await hasSigned(subtle, x, blocks)) return undefined;
    return 'bad_signature';
  } catch {
    return 'unsupported_platform';
  }
}

function checkOptions(options: VerifyOptions): Given {
  const { publicKeys, productId, state, licenseKey, now = new Date(), graceDays = 0 } = options;
  if (typeof productId !== 'string' || productId === '') throw new TypeError('productId is the id of the product.');
  if (state === undefined) throw new TypeError('state is what the last check gave back, or null at the first one.');
  if (licenseKey !== undefined && typeof licenseKey !== 'string') throw new TypeError('licenseKey is a text.');
  if (!(now instanceof Date) || Number.isNaN(now.getTime())) throw new TypeError('now is a Date.');
  if (typeof graceDays !== 'number' || !(graceDays >= 0 && graceDays <= 3650))
    throw new TypeError('graceDays is a number from 0 to 3650.');
  return {
    keys: readPublicKeys(publicKeys),
    productId,
    licenseKey: licenseKey?.trim().toUpperCase(),
    state,
    now: now.getTime() / 1000,
    graceDays,
  };
}
