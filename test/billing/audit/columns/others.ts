import { ACCESS, all, type Columns, DELIVERY, derived, KEY, PERSON, STAMP, WORDS } from './held.ts';

export const licences: Record<string, Columns> = {
  licenses: {
    ...all(KEY, 'id'),
    license_key: derived('INV26 INV19', `'x'`),
    customer_id: derived('INV26 INV19', `'x'`),
    product_id: derived('INV19', `'x'`, 'seq > 0'),
    subscription_id: derived('INV26', `'x'`, '1 = 1'),
    status: derived('INV28 INV16', `'suspended'`, `status = 'active'`),
    status_reason: 'given: whose word the suspension is; a person may take it over without an event',
    features: derived('INV19', `'{"pro":false}'`, 'seq > 0'),
    max_activations: derived('INV19', undefined, 'seq > 0'),
    current_activations: derived('INV18'),
    activated_at: derived('INV27'),
    expires_at: derived('INV19', undefined, 'seq > 0'),
    ...all(
      'given: the end that a person gave; a constraint keeps the licence from ending before it',
      'end_given given_until',
    ),
    unsigned_since: 'given: waits to be signed; the job signs it and takes it away (L15)',
    seq: derived('INV19', undefined, 'seq > 0'),
    signed_payload: derived('INV19', `'x'`),
    signature: derived('INV19', `'AAAA'`),
    kid: derived('INV19', `'x'`),
    signed_at: derived('INV19'),
    created_at: derived('INV26'),
    ...all(STAMP, 'updated_at'),
  },
  license_activations: {
    ...all(KEY, 'id device_id'),
    license_id: derived('INV18', `'x'`),
    ...all(WORDS, 'device_name ip'),
    activated_at: derived('INV27'),
    last_seen_at: derived('INV27', `'2020-01-01T00:00:00.000Z'`),
  },
  signing_keys: {
    ...all('fixed', 'kid public_key created_at'),
    ...all('given: sealed; which key signs. CHECKs tie them to each other', 'private_key_enc status retired_at'),
  },
};

export const events: Record<string, Columns> = {
  events: {
    id: derived('INV26', `'x'`),
    position: derived('INV22'),
    type: derived('INV26', `'x.y'`, `type = 'invoice.created'`),
    customer_id: derived('INV26 INV16', `'x'`),
    sequence: derived('INV26'),
    resource_type: 'fixed',
    resource_id: derived('INV16', `'x'`, `type = 'invoice.issued'`),
    body: derived('INV26 INV28', `'no JSON'`),
    created_at: derived('INV26 INV17'),
    dispatched_at: DELIVERY,
  },
  audit_log: {
    ...all('fixed', 'id at actor_type actor_id action changes reason request_id ip'),
    entity_type: derived('INV22', `'x'`, `entity_type = 'refund'`),
    entity_id: derived('INV22', `'x'`, `entity_type = 'refund'`),
  },
};

export const plumbing: Record<string, Columns> = {
  emails: {
    ...all(
      DELIVERY,
      'id event_id recipient template data state attempts next_attempt_at last_error sent_at created_at',
    ),
  },
  put_off: { ...all(DELIVERY, 'id kind subject data error attempts next_attempt_at created_at') },
  leases: { ...all('given: who works now', 'name holder until') },
  idempotency_keys: {
    ...all(
      'given: an answer kept for a day',
      'scope key method path body_hash state locked_until status_code headers body created_at expires_at claim',
    ),
  },
  users: {
    ...all(
      ACCESS,
      'id email email_key name role customer_id auth_provider oidc_subject password_hash last_login_at created_at updated_at',
    ),
  },
  sessions: { ...all(ACCESS, 'token_hash user_id created_at expires_at ip user_agent') },
  login_throttle: { ...all(ACCESS, 'key failures last_failure_at blocked_until') },
  api_keys: {
    ...all(
      ACCESS,
      'id name key_hash key_prefix access customer_id created_by expires_at last_used_at revoked_at created_at',
    ),
  },
  settings: { ...all(PERSON, 'key value secret key_id updated_at') },
};
