import { readFileSync } from 'node:fs';
import { within } from '../platform/bounds.ts';
import { migrationState } from '../platform/db/migrate.ts';
import { AppError } from '../platform/errors.ts';
import { type Context, type Handlers, reply } from '../platform/http/operations.ts';
import { sha256 } from '../platform/secrets.ts';
import { DOCS_PAGE, DOCS_POLICY } from './docs.ts';
import { readFigures } from './figures.ts';
import { createMetrics, type Figure, METRICS_TYPE } from './metrics.ts';

/** Who asks for these waits 10 s at most, as a rule: load balancers, Prometheus. */
const DATABASE_MS = 5000;
const NO_CACHE = { 'Cache-Control': 'no-cache' };

export const system: Handlers<'system'> = {
  async getHealth() {
    return { status: 'ok' };
  },

  async getReady(_, context) {
    const { pending } = await within(DATABASE_MS, () => context.snapshot((db) => migrationState(db))).catch(
      (error: unknown) => {
        context.runtime.log.error({ err: error, requestId: context.requestId }, 'the database does not answer');
        throw notReady({ database: 'does not answer' });
      },
    );
    if (pending.length > 0) throw notReady({ migrations: `${pending.length} not applied` });
    return { status: 'ok', database: 'ok', migrations: 'ok' };
  },

  async getMetrics(_, context) {
    const text = await createMetrics(context.runtime).text(await figuresOrNone(context));
    return reply(200, text, { 'Content-Type': METRICS_TYPE });
  },

  async getOpenapiJson() {
    const { document, etag } = openapiJson();
    return reply(200, document, { ...NO_CACHE, ETag: etag });
  },

  async getOpenapiYaml() {
    const { text, etag } = openapiYaml();
    return reply(200, text, { ...NO_CACHE, ETag: etag, 'Content-Type': 'application/yaml; charset=utf-8' });
  },

  async getDocs() {
    const headers = { ...NO_CACHE, 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': DOCS_POLICY };
    return reply(200, DOCS_PAGE, headers);
  },
};

const notReady = (fields: Record<string, string>) =>
  new AppError('service_unavailable', 'The server is not ready.', { fields, headers: { 'Retry-After': '5' } });

/** Metrics are asked for most when the database is in trouble: they answer without the figures then. */
async function figuresOrNone({ db, now, runtime }: Context): Promise<Figure[]> {
  try {
    return await within(DATABASE_MS, () => readFigures(db, now));
  } catch (err) {
    runtime.log.warn({ err }, 'the business figures could not be read');
    return [];
  }
}

function readPublished(name: string): { text: string; etag: string } {
  const text = readFileSync(new URL(`../../generated/${name}`, import.meta.url), 'utf8');
  return { text, etag: `"${sha256(text).slice(0, 32)}"` };
}

const openapiJson = once(() => {
  const { text, etag } = readPublished('openapi.json');
  return { document: JSON.parse(text), etag };
});
const openapiYaml = once(() => readPublished('openapi.yaml'));

/** Reads at the first call, so that a missing file stops only who asks for it. */
function once<T>(read: () => T): () => T {
  let known: { value: T } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}
