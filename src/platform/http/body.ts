import { isUtf8 } from 'node:buffer';
import express, { type Request, type Response } from 'express';
import { AppError, invalid, refuse } from '../errors.ts';

export const MAX_BODY_BYTES = 1_048_576;

const readRaw = express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

/** The raw bytes of a request body. Throws AppError `payload_too_large`, `unsupported_media_type`, `invalid_request`. */
export function readBytes(req: Request, res: Response): Promise<Buffer | undefined> {
  if (req.headers['transfer-encoding'] === undefined && !Number(req.headers['content-length'] ?? 0))
    return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    readRaw(req, res, (error?: unknown) => {
      if (!error) return resolve(Buffer.isBuffer(req.body) && req.body.length > 0 ? req.body : undefined);
      const { type } = error as { type?: string };
      if (type === 'entity.too.large')
        reject(refuse('payload_too_large', `A body may have at most ${MAX_BODY_BYTES} bytes.`));
      else if (type === 'encoding.unsupported')
        reject(refuse('unsupported_media_type', 'Compressed bodies are not accepted.'));
      else reject(refuse('invalid_request', 'The body could not be read.'));
    });
  });
}

/** Parses a JSON body; strings are trimmed, except those of the `untrimmed` members (contract 1.2). */
export function parseJson(bytes: Buffer, contentType: string | undefined, untrimmed: ReadonlySet<string>): unknown {
  const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    throw new AppError('unsupported_media_type', 'Send the body as application/json.');
  if (!isUtf8(bytes)) throw refuse('invalid_request', 'The body is not UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw refuse('invalid_request', 'The body is not JSON.');
  }
  return clean(value, '', untrimmed);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the purpose
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** Whether a text has control characters other than LF, CR and TAB (contract 1.2). */
export const hasControl = (text: string): boolean => CONTROL.test(text);

function textProblem(text: string): string | undefined {
  if (hasControl(text)) return 'must not contain control characters';
  return text.isWellFormed() ? undefined : 'must be well-formed Unicode';
}

function clean(value: unknown, path: string, untrimmed: ReadonlySet<string>, raw = false, depth = 0): unknown {
  if (typeof value === 'string') {
    const problem = textProblem(value);
    if (problem) throw invalid({ [path || '_']: problem });
    return raw ? value : value.trim();
  }
  if (value === null || typeof value !== 'object') return value;
  if (depth > 32) throw invalid({ [path]: 'is nested too deeply' });
  const at = (key: string) => (path ? `${path}.${key}` : key);
  if (Array.isArray(value)) return value.map((item, i) => clean(item, at(String(i)), untrimmed, raw, depth + 1));
  for (const key of Object.keys(value)) {
    if (textProblem(key)) throw invalid({ [path || '_']: 'has a name with characters that are not accepted' });
    const object = value as Record<string, unknown>;
    // defineProperty: a member named __proto__ stays a member, for the validator to refuse
    Object.defineProperty(object, key, {
      value: clean(object[key], at(key), untrimmed, untrimmed.has(key), depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return value;
}
