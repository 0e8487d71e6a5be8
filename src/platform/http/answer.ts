import type { Response } from 'express';
import type { Operation } from './contract.ts';
import type { Reply } from './operations.ts';
import type { Page } from './pagination.ts';
import { readQuery, writeQuery } from './query.ts';

/** An answer ready to be sent, and to be stored for a replay. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
  /** The value behind a JSON body, for the contract check. */
  json: unknown;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Status, Location, ETag and Link come from the contract; the handler gives plain data. */
export function serialise(operation: Operation, result: unknown, url: string): Answer {
  const reply = isReply(result) ? result : undefined;
  const status = reply?.status ?? operation.status;
  const value = reply ? reply.body : result;
  const headers: Record<string, string> = { ...reply?.headers };
  if (value === undefined || value === null) return { status, headers, body: '', json: undefined };
  if (headers['Content-Type']) return { status, headers, body: value as string | Uint8Array, json: undefined };
  const json = isPage(value) ? value.items : value;
  const next = isPage(value) ? value.next : reply?.next;
  if (next) headers.Link = `<${nextUrl(url, next)}>; rel="next"`;
  const entity = json as { id?: string; version?: number };
  if (operation.etag && entity.version !== undefined) headers.ETag = `"${entity.version}"`;
  if (operation.location && status === 201)
    headers.Location = fill(operation.location, json as Record<string, unknown>);
  headers['Content-Type'] = JSON_TYPE;
  return { status, headers, body: JSON.stringify(json), json };
}

export function writeAnswer(res: Response, answer: Answer): void {
  res.statusCode = answer.status;
  for (const name in answer.headers) res.setHeader(name, answer.headers[name]!);
  if (answer.status === 204) res.end();
  else res.end(answer.body);
}

const isReply = (value: unknown): value is Reply => (value as Reply | undefined)?.kind === 'reply';
const isPage = (value: unknown): value is Page<unknown> => (value as Page<unknown>).kind === 'page';

const fill = (template: string, values: Record<string, unknown>): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));

function nextUrl(url: string, next: { parameter: string; value: string }): string {
  const at = url.indexOf('?');
  const params = readQuery(at < 0 ? '' : url.slice(at + 1));
  params.set(next.parameter, next.value);
  return `${at < 0 ? url : url.slice(0, at)}?${writeQuery(params)}`;
}
