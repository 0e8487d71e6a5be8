/** Code -> HTTP status (contract 1.8.2). The only place that knows both. */
const STATUS = {
  unauthorized: 401,
  session_expired: 401,
  forbidden: 403,
  invalid_credentials: 401,
  invalid_api_key: 401,
  invalid_cron_secret: 401,
  validation_error: 400,
  invalid_request: 400,
  not_found: 404,
  method_not_allowed: 405,
  already_exists: 409,
  delete_conflict: 409,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  idempotency_key_reused: 409,
  idempotency_in_progress: 409,
  subscription_not_active: 400,
  plan_not_found: 404,
  quote_stale: 409,
  currency_mismatch: 400,
  invoice_already_paid: 400,
  invoice_voided: 400,
  insufficient_credit: 400,
  coupon_expired: 400,
  coupon_usage_exceeded: 400,
  payment_failed: 400,
  refund_exceeds_payment: 400,
  license_not_found: 404,
  license_expired: 400,
  license_suspended: 400,
  license_revoked: 400,
  activation_limit_reached: 400,
  provider_not_configured: 400,
  provider_error: 502,
  webhook_signature_invalid: 400,
  internal_error: 500,
  database_error: 500,
  service_unavailable: 503,
} as const;

export type ErrorCode = keyof typeof STATUS;
export type Fields = Record<string, string>;

/** A refusal the caller is told about: `code` is stable, `message` and `fields` are for people. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: Fields | undefined;
  readonly headers: Record<string, string> | undefined;
  /** The outcome of each item, where every item of a batch was refused. */
  readonly batch: object | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { fields?: Fields; headers?: Record<string, string>; batch?: object } = {},
  ) {
    super(message);
    this.name = 'AppError';
    this.code = code;
    this.status = STATUS[code];
    this.fields = options.fields;
    this.headers = options.headers;
    this.batch = options.batch;
  }
}

/** 400 `validation_error`; `fields` maps each failing member to a sentence. */
export const invalid = (fields: Fields, message = 'Validation failed') =>
  new AppError('validation_error', message, { fields });

/** 404 `not_found`: the same answer for "not there" and "not yours". */
export const notFound = (what: string) => new AppError('not_found', `No such ${what}.`);

/** 409 `conflict`: the operation does not fit the state of the row. */
export const conflict = (message: string, fields?: Fields) =>
  new AppError('conflict', message, fields ? { fields } : {});

/** Any other refusal. */
export const refuse = (code: ErrorCode, message: string, fields?: Fields) =>
  new AppError(code, message, fields ? { fields } : {});
