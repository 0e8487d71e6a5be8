// The container: rules L12, and step 1 of rules L13.

/** What the server accepts too: no genuine file comes near it. */
export const MAX_FILE_LENGTH = 65_536;
const SIGNATURE_LENGTH = 64;

const FILE =
  /^[ \t\r\n]*-----BEGIN LICENSE-----([A-Za-z0-9+/= \t\r\n]*)-----END LICENSE-----[ \t\r\n]*-----BEGIN SIGNATURE-----([A-Za-z0-9+/= \t\r\n]*)-----END SIGNATURE-----[ \t\r\n]*$/;

export interface SignedBytes {
  payload: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
}

/** The signed bytes and the signature of a licence file; undefined when it is not exactly one of each, in this order. */
export function readBlocks(file: unknown): SignedBytes | undefined {
  const text = textOf(file);
  if (text === undefined || text.length > MAX_FILE_LENGTH) return undefined;
  const [, first, second] = FILE.exec(text) ?? [];
  if (first === undefined || second === undefined) return undefined;
  const payload = decodeBase64(first.replace(/[ \t\r\n]/g, ''));
  const signature = decodeBase64(second.replace(/[ \t\r\n]/g, ''));
  if (!payload?.length || signature?.length !== SIGNATURE_LENGTH) return undefined;
  return { payload, signature };
}

function textOf(file: unknown): string | undefined {
  if (typeof file === 'string') return file;
  if (!(file instanceof Uint8Array || file instanceof ArrayBuffer) || file.byteLength > MAX_FILE_LENGTH)
    return undefined;
  return decodeUtf8(file);
}

/** The text of UTF-8 bytes; undefined when they are not well-formed. A byte order mark is kept, so that it is refused. */
export function decodeUtf8(bytes: Uint8Array | ArrayBuffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes of standard, padded base64 (RFC 4648 section 4) in its one canonical spelling; undefined for any other. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  // Bits behind the last byte that are not zero would be a second spelling of the same bytes.
  return encodeBase64(bytes.subarray(-(bytes.length % 3 || 3))) === text.slice(-4) ? bytes : undefined;
}

export const encodeBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
