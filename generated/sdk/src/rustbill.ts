import { type Client, createClient } from './client/index.ts';
import { RustBillApi } from './sdk.gen.ts';
import type { ApiError } from './types.gen.ts';

export interface RustBillOptions {
  /** Origin of the server, such as `https://billing.example.com`. */
  baseUrl: string;
  /** For the operations under `v1`. */
  apiKey?: string;
  /** Value of the cookie `session`, outside a browser. A browser sends its own. */
  session?: string;
  /** For the operations of `cron`. */
  cronSecret?: string;
  fetch?: typeof fetch;
}

/** What every refused request throws. `code` is stable, `message` is for people. */
export class RustBillError extends Error {
  readonly code: ApiError['error'] | 'unexpected_answer';
  readonly status: number;
  readonly fields: Record<string, string>;
  readonly requestId: string | undefined;

  constructor(status: number, body: Partial<ApiError>) {
    super(body.message ?? `The server answered with status ${status}.`);
    this.name = 'RustBillError';
    this.code = body.error ?? 'unexpected_answer';
    this.status = status;
    this.fields = body.fields ?? {};
    this.requestId = body.requestId;
  }
}

/** A client of one server: `api.products.create({ body })`, and `api.v1.products.list()` for API keys. */
export function createRustBill(options: RustBillOptions): RustBillApi {
  const client: Client = createClient({
    baseUrl: options.baseUrl,
    throwOnError: true,
    credentials: 'include',
    ...(options.fetch ? { fetch: options.fetch } : {}),
    auth: ({ type, in: place }) => {
      if (type === 'http') return options.apiKey;
      return place === 'cookie' ? options.session : options.cronSecret;
    },
  });
  client.interceptors.error.use((body, response) =>
    response ? new RustBillError(response.status, isApiError(body) ? body : {}) : body,
  );
  return new RustBillApi({ client });
}

const isApiError = (body: unknown): body is ApiError => typeof body === 'object' && body !== null && 'error' in body;

interface Listing<T> {
  data: T[];
  response: Response;
}

/**
 * The rows of all pages, fetched as they are needed:
 * `for await (const invoice of all((cursor) => api.v1.invoices.list({ query: { cursor } })))`.
 */
export async function* all<T>(list: (cursor: string | undefined) => Promise<Listing<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const { data, response } = await list(cursor);
    yield* data;
    cursor = nextCursor(response.headers.get('Link'));
  } while (cursor);
}

function nextCursor(link: string | null): string | undefined {
  const target = /<([^>]*)>;\s*rel="next"/.exec(link ?? '')?.[1];
  return target ? (new URL(target, 'http://localhost').searchParams.get('cursor') ?? undefined) : undefined;
}
