import { invalid } from '../errors.ts';
import { isId } from '../ids.ts';
import { breathe } from '../jobs/breathe.ts';

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

/** Rows that are read at once: on SQLite a statement holds the process until its last row. */
export const STEP = 100;
/** A page ends early when its rows are about as large as this (contract 1.6). */
export const PAGE_BYTES = 4 * 1_048_576;

export interface Reader<Row> {
  /** The key that the next page continues after. */
  keyOf: (row: Row) => string;
  /** At most `limit + 1` rows after a key: the extra row only says that there is more. */
  read: (step: PageRequest) => Promise<Row[]>;
  /** About how many bytes an answer needs for the row, where that is not about its own size. */
  weigh?: (row: Row) => number;
}

/** The rows of a page, before they are presented. */
export interface Rows<Row> {
  rows: Row[];
  /** There are further rows after the last one. */
  more: boolean;
}

/**
 * Reads a page step by step, giving way to other requests in between, until it has `limit` rows or PAGE_BYTES. It has at
 * least one row when there is one.
 */
export async function readRows<Row>(
  { limit, after }: PageRequest,
  { keyOf, read, weigh = roughSize }: Reader<Row>,
): Promise<Rows<Row>> {
  const rows: Row[] = [];
  let bytes = 0;
  for (;;) {
    const last = rows.at(-1);
    const size = Math.min(STEP, limit - rows.length);
    const step = await read({ limit: size, after: last === undefined ? after : keyOf(last) });
    for (const [i, row] of step.slice(0, size).entries()) {
      rows.push(row);
      bytes += weigh(row);
      if (bytes >= PAGE_BYTES) return { rows, more: i + 1 < step.length };
    }
    if (step.length <= size) return { rows, more: false };
    if (rows.length === limit) return { rows, more: true };
    await breathe();
  }
}

/** As `readRows`, from the query of a list; `paged` makes the answer of it. Throws AppError `validation_error` on `cursor`. */
export async function readPage<Row>(
  list: string,
  query: { limit?: number; cursor?: string },
  reader: Reader<Row> & { isKey?: (key: string) => boolean },
): Promise<Rows<Row> & Pick<Page<Row>, 'next'>> {
  const read = await readRows(pageRequest(list, query, reader.isKey), reader);
  return { ...read, next: nextOf(list, read, reader.keyOf) };
}

/** The cursor of the page after these rows. */
export function nextOf<Row>(list: string, { rows, more }: Rows<Row>, keyOf: (row: Row) => string): Page<Row>['next'] {
  const last = rows.at(-1);
  return more && last !== undefined ? { parameter: 'cursor', value: encode(list, keyOf(last)) } : undefined;
}

/** The answer of a list. */
export const paged = <Row, T>(
  { rows, next }: { rows: Row[] } & Pick<Page<T>, 'next'>,
  present: (row: Row) => T,
): Page<T> => ({ kind: 'page', items: rows.map(present), next });

/** About the bytes of a value as JSON. */
function roughSize(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 3;
  if (value === null || typeof value !== 'object') return 8;
  let size = 2;
  for (const [name, member] of Object.entries(value)) size += name.length + 3 + roughSize(member);
  return size;
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
