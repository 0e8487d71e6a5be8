import { readFileSync } from 'node:fs';
import cors from 'cors';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { apiKeys } from './accounts/keys/api-key-handlers.ts';
import { auth } from './accounts/logins/auth-handlers.ts';
import { createAuthentication } from './accounts/logins/authentication.ts';
import { users } from './accounts/users/user-handlers.ts';
import { analytics } from './analytics/handlers.ts';
import { coupons } from './billing/coupons/handlers.ts';
import { coverage } from './billing/coverage/handlers.ts';
import { creditNotes } from './billing/credit-notes/handlers.ts';
import { credits } from './billing/credits/handlers.ts';
import { events } from './billing/events/handlers.ts';
import { invoiceViews } from './billing/invoice-views/handlers.ts';
import { invoices } from './billing/invoices/handlers.ts';
import { payments } from './billing/payments/handlers.ts';
import { plans } from './billing/plans/handlers.ts';
import { refunds } from './billing/refunds/handlers.ts';
import { parked } from './billing/run/handlers.ts';
import { subscriptions } from './billing/subscriptions/handlers.ts';
import { taxRules } from './billing/tax-rules/handlers.ts';
import { usage } from './billing/usage/handlers.ts';
import { cron } from './cron/handlers.ts';
import { customers } from './customers/handlers.ts';
import { licenses } from './licenses/handlers.ts';
import { invoiceMail } from './mail/handlers.ts';
import { type Contract, readContract, type Spec } from './platform/http/contract.ts';
import { expressErrors } from './platform/http/error-body.ts';
import type { AllHandlers } from './platform/http/operations.ts';
import { createRateLimits, type PerMinute } from './platform/http/rate-limits.ts';
import { createRouter, type HandlerTable } from './platform/http/router.ts';
import type { Runtime } from './platform/work.ts';
import { products } from './products/handlers.ts';
import { settings } from './settings/handlers.ts';
import { docsAssets } from './system/docs.ts';
import { system } from './system/handlers.ts';
import { createMetrics } from './system/metrics.ts';
import { testing } from './system/test-clock.ts';

/** The only wiring list: every tag of the contract and who handles it. Missing or extra ones do not compile. */
export const handlers: AllHandlers = {
  analytics,
  apiKeys,
  auth,
  coupons,
  coverage: { ...coverage, ...parked },
  creditNotes,
  credits,
  cron,
  customers,
  events,
  invoices: { ...invoices, ...invoiceViews, ...invoiceMail },
  licenses,
  payments,
  plans,
  products,
  refunds,
  settings,
  subscriptions,
  system,
  taxRules,
  testing,
  usage,
  users,
};

export interface AppOptions {
  /** Answers are checked against the contract: a violation fails the request. For tests. */
  validateAnswers?: boolean;
  /** Another document than generated/openapi.json; benchmarks pad it. */
  spec?: Spec;
  handlers?: HandlerTable;
  /** Other limits than those of the contract (1.12, 1.15). For tests. */
  perMinute?: PerMinute;
  requestLimitMs?: number;
}

export const publishedSpec = (): Spec =>
  JSON.parse(readFileSync(new URL('../generated/openapi.json', import.meta.url), 'utf8'));

/** The Express application of one process. */
export function createApp(runtime: Runtime, options: AppOptions = {}): Express {
  const contract: Contract = readContract(options.spec ?? publishedSpec());
  const { config } = runtime;
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('trust proxy', config.trustProxy);
  app.use('/docs', docsAssets(runtime));
  app.use(helmet({ strictTransportSecurity: config.publicUrl.startsWith('https:') }));
  app.use(
    '/api/v1',
    cors({
      origin: config.corsOrigins,
      methods: METHODS,
      exposedHeaders: EXPOSED,
      maxAge: 600,
      preflightContinue: true,
    }),
  );
  const open = contract.operations.filter(({ anyOrigin }) => anyOrigin).map(({ path }) => path);
  app.use(open, cors({ origin: '*', methods: METHODS, exposedHeaders: EXPOSED, maxAge: 600, preflightContinue: true }));
  app.use(
    createRouter({
      runtime,
      contract,
      handlers: options.handlers ?? (handlers as unknown as HandlerTable),
      authentication: createAuthentication(runtime),
      rateLimits: createRateLimits(config.rateLimits, options.perMinute),
      validateAnswers: options.validateAnswers ?? false,
      ...(options.requestLimitMs === undefined ? {} : { requestLimitMs: options.requestLimitMs }),
      observe: createMetrics(runtime).observe,
    }),
  );
  app.use(expressErrors(runtime));
  return app;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const RATE_LIMIT = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];
const EXPOSED = ['X-Request-Id', 'Location', 'ETag', 'Link', 'Idempotent-Replayed', 'Retry-After', ...RATE_LIMIT];
