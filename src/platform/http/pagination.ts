import { invalid } from '../errors.ts';
import { isId } from '../ids.ts';

/** A list answer: a bare array in the body, the next page in the Link header (contract 1.6). */
export interface Page<T> {
  readonly kind: 'page';
  items: T[];
  /** Query parameter that leads to the next page; undefined on the last one. */
  next: { parameter: 'cursor' | 'after'; value: string } | undefined;
}

export interface PageRequest {
  limit: number;
  /** The last key of the page before; undefined on the first page. */
  after: string | undefined;
}

const DEFAULT_LIMIT = 100;

/**
 * Reads `limit` and `cursor` of a list. `list` names the list, so that a cursor of another one is refused; `isKey` knows
 * the keys it continues after. Throws AppError `validation_error` on `cursor`.
 */
export function pageRequest(
  list: string,
  query: { limit?: number; cursor?: string },
  isKey: (key: string) => boolean = isId,
): PageRequest {
  return { limit: query.limit ?? DEFAULT_LIMIT, after: query.cursor && decode(list, query.cursor, isKey) };
}

/**
 * Makes the page from at most `limit + 1` rows: the extra row only says that there is more.
 * `keyOf` gives the key that the next page continues after.
 */
export function paged<Row, T>(
  list: string,
  request: PageRequest,
  rows: Row[],
  keyOf: (row: Row) => string,
  present: (row: Row) => T,
): Page<T> {
  const shown = rows.slice(0, request.limit);
  const last = shown.at(-1);
  const more = rows.length > request.limit && last !== undefined;
  return {
    kind: 'page',
    items: shown.map(present),
    next: more ? { parameter: 'cursor', value: encode(list, keyOf(last)) } : undefined,
  };
}

const encode = (list: string, key: string): string => Buffer.from(JSON.stringify([1, list, key])).toString('base64url');

function decode(list: string, cursor: string, isKey: (key: string) => boolean): string {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(parsed) && parsed[0] === 1 && parsed[1] === list && typeof parsed[2] === 'string') {
      if (isKey(parsed[2])) return parsed[2];
    }
  } catch {
    // Falls through: whatever it is, it is not a cursor of ours.
  }
  throw invalid({ cursor: 'is not a cursor of this list' });
}
