import { isUtf8 } from 'node:buffer';
import { invalid } from '../../platform/errors.ts';

/** The blocks of a `.lic` file: the signed bytes, exactly as they were signed, and the signature over them. */
export interface LicenseFile {
  payload: Buffer;
  signature: Buffer;
}

const COLUMNS = 76;
const marker = (word: 'BEGIN' | 'END', block: string): string => `-----${word} ${block}-----`;

/** The text of a `.lic` file (rules L12). `signature` is base64. */
export function encodeFile(payload: string, signature: string): string {
  return `${block('LICENSE', Buffer.from(payload, 'utf8').toString('base64'))}${block('SIGNATURE', signature)}`;
}

function block(name: string, base64: string): string {
  const lines = base64.match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? [];
  return `${[marker('BEGIN', name), ...lines, marker('END', name)].join('\n')}\n`;
}

const SIGNATURE_BYTES = 64;

/**
 * Both blocks, in this order, with blank, tab, CR and LF wherever they stand (rules L13, docs/licensing/format.md).
 * Nothing of it is trusted yet. Throws AppError `validation_error` on `file` for anything else.
 */
export function decodeFile(text: string): LicenseFile {
  const [payload, afterPayload] = readBlock(text, 0, 'LICENSE');
  const [signature, end] = readBlock(text, afterPayload, 'SIGNATURE');
  if (!isBlank(text.slice(end))) malformed('has something after the signature');
  if (signature.length !== SIGNATURE_BYTES) malformed(`the signature has not ${SIGNATURE_BYTES} bytes`);
  return { payload, signature };
}

const isBlank = (text: string): boolean => /^[ \t\r\n]*$/.test(text);

function readBlock(text: string, from: number, name: string): [bytes: Buffer, end: number] {
  const [begin, end] = [marker('BEGIN', name), marker('END', name)];
  const start = text.indexOf(begin, from);
  const stop = text.indexOf(end, start + begin.length);
  if (start < 0 || stop < 0 || !isBlank(text.slice(from, start))) malformed(`must have a ${name} block`);
  return [readBase64(text.slice(start + begin.length, stop), name), stop + end.length];
}

/** Only the one way of writing some bytes is accepted: two texts never mean the same file by accident. */
function readBase64(text: string, name: string): Buffer {
  const base64 = text.replace(/[ \t\r\n]/g, '');
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== base64) malformed(`the ${name} block is not base64`);
  return bytes;
}

/** What an unverified payload says about itself: enough to find the key to verify it with. */
export interface PayloadClaims {
  licenseKey: string;
  kid: string;
}

/** Throws AppError `validation_error` on `file` when the payload is not the JSON of a licence. */
export function readClaims(payload: Buffer): PayloadClaims {
  const value = isUtf8(payload) ? parseJson(payload.toString('utf8')) : undefined;
  const { licenseId, kid } = (value ?? {}) as Record<string, unknown>;
  if (typeof licenseId !== 'string' || typeof kid !== 'string') malformed('the payload is not that of a licence');
  return { licenseKey: licenseId, kid };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function malformed(sentence: string): never {
  throw invalid({ file: sentence });
}
