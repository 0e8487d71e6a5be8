import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { AppError, invalid, refuse } from '../errors.ts';
import { checkShape } from './body-shape.ts';
import { LOST_NUMBER, parseExact } from './json.ts';

/** Bytes a body may have where the operation names no other number (`x-body-limit`; contract 1.15). */
export const BODY_BYTES = 16_384;

/**
 * The raw bytes of a request body; undefined when there is none. Refuses a body that is too large as soon as that is
 * known, without reading the rest. Throws AppError `payload_too_large`, `unsupported_media_type`, `invalid_request`.
 */
export function readBytes(req: IncomingMessage, limit = BODY_BYTES): Promise<Buffer | undefined> {
  const length = Number(req.headers['content-length'] ?? 0);
  if (req.headers['transfer-encoding'] === undefined && length === 0) return Promise.resolve(undefined);
  if (length > limit) return Promise.reject(tooLarge(limit));
  if (!/^(identity)?$/i.test(req.headers['content-encoding'] ?? ''))
    return Promise.reject(refuse('unsupported_media_type', 'Compressed bodies are not accepted.'));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const broken = () => reject(refuse('invalid_request', 'The body could not be read.'));
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) reject(tooLarge(limit));
      else chunks.push(chunk);
    });
    req.on('end', () => resolve(size > 0 ? Buffer.concat(chunks) : undefined));
    req.on('error', broken);
    req.on('close', () => {
      if (!req.readableEnded) broken(); // the caller has gone
    });
  });
}

const tooLarge = (limit: number) => refuse('payload_too_large', `A body may have at most ${limit} bytes.`);

export interface BodyShape {
  /** The items of an array are left as they are, for `cleanJson`. */
  batch?: boolean;
  maxValues?: number;
}

/** Parses a JSON body; strings are trimmed, except those of the `untrimmed` members (contract 1.2). */
export function parseJson(
  bytes: Buffer,
  contentType: string | undefined,
  untrimmed: ReadonlySet<string>,
  { batch = false, maxValues = Number.POSITIVE_INFINITY }: BodyShape = {},
): unknown {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    throw new AppError('unsupported_media_type', 'Send the body as application/json.');
  if (!isUtf8(bytes)) throw refuse('invalid_request', 'The body is not UTF-8.');
  checkShape(bytes, maxValues);
  let value: unknown;
  try {
    value = parseExact(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse('invalid_request', 'The body is not JSON.');
  }
  return batch && Array.isArray(value) ? value : cleanJson(value, untrimmed);
}

/** Trims the strings of a parsed value. Throws AppError `validation_error` for characters and numbers that are not accepted. */
export const cleanJson = (value: unknown, untrimmed: ReadonlySet<string>): unknown => clean(value, '', untrimmed);

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the purpose
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** Whether a text has control characters other than LF, CR and TAB (contract 1.2). */
export const hasControl = (text: string): boolean => CONTROL.test(text);

const LOST = 'is a number that cannot be kept as it was sent; send it as a string';

function textProblem(text: string): string | undefined {
  if (hasControl(text)) return 'must not contain control characters';
  return text.isWellFormed() ? undefined : 'must be well-formed Unicode';
}

function clean(value: unknown, path: string, untrimmed: ReadonlySet<string>, raw = false): unknown {
  if (typeof value === 'string') {
    const problem = textProblem(value);
    if (problem) throw invalid({ [path || '_']: problem });
    return raw ? value : value.trim();
  }
  if (value === LOST_NUMBER) throw invalid({ [path || '_']: LOST });
  if (value === null || typeof value !== 'object') return value;
  const at = (key: string) => (path ? `${path}.${key}` : key);
  if (Array.isArray(value)) return value.map((item, i) => clean(item, at(String(i)), untrimmed, raw));
  for (const key of Object.keys(value)) {
    if (textProblem(key)) throw invalid({ [path || '_']: 'has a name with characters that are not accepted' });
    const object = value as Record<string, unknown>;
    // defineProperty: a member named __proto__ stays a member, for the validator to refuse
    Object.defineProperty(object, key, {
      value: clean(object[key], at(key), untrimmed, untrimmed.has(key)),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return value;
}
