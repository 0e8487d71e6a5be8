import { appendOnly, dropTables, fixed, type Migration, refuse } from './migration.ts';

export const eventsAndAccess: Migration = {
  name: '0006-events-access',
  up: [
    // customer_id has no foreign key: the events of a deleted customer stay
    `CREATE TABLE events (
      id {id} PRIMARY KEY,
      position {big} CHECK (position >= 1),
      type {text} NOT NULL,
      customer_id {id},
      sequence {big} CHECK (sequence >= 1),
      resource_type {text} NOT NULL,
      resource_id {id} NOT NULL,
      body {text} NOT NULL,
      created_at {ts} NOT NULL,
      dispatched_at {ts},
      CHECK ((customer_id IS NULL) = (sequence IS NULL))
    ) {strict}`,
    'CREATE UNIQUE INDEX events_position ON events (position) WHERE position IS NOT NULL',
    'CREATE UNIQUE INDEX events_sequence ON events (customer_id, sequence) WHERE sequence IS NOT NULL',
    'CREATE INDEX events_unpositioned ON events (created_at, id) WHERE position IS NULL',
    `CREATE INDEX events_customer ON events (customer_id, position)
      WHERE position IS NOT NULL AND customer_id IS NOT NULL`,
    'CREATE INDEX events_resource ON events (resource_id, position) WHERE position IS NOT NULL',
    'CREATE INDEX events_type ON events (type, position) WHERE position IS NOT NULL',
    'CREATE INDEX events_undispatched ON events (position) WHERE position IS NOT NULL AND dispatched_at IS NULL',
    fixed(
      'events',
      'fixed',
      ['id', 'type', 'customer_id', 'sequence', 'resource_type', 'resource_id', 'body', 'created_at'],
      'an event never changes',
    ),
    fixed('events', 'position_fixed', ['position'], 'an event gets its position once', 'OLD.position IS NOT NULL'),
    refuse('events', 'DELETE', 'no_delete', 'events are never deleted'),
    `CREATE TABLE leases (
      name {text} PRIMARY KEY,
      holder {text},
      until {ts}
    ) {compact}`,
    `CREATE TABLE users (
      id {id} PRIMARY KEY,
      email {text} NOT NULL,
      email_key {text} NOT NULL UNIQUE,
      name {text} NOT NULL,
      role {text} NOT NULL CHECK (role IN ('admin', 'customer')),
      customer_id {id} REFERENCES customers (id),
      auth_provider {text} NOT NULL CHECK (auth_provider IN ('local', 'sso')),
      oidc_subject {text} UNIQUE,
      password_hash {text},
      last_login_at {ts},
      created_at {ts} NOT NULL,
      updated_at {ts} NOT NULL,
      CHECK ((role = 'customer') = (customer_id IS NOT NULL))
    ) {strict}`,
    'CREATE INDEX users_customer ON users (customer_id) WHERE customer_id IS NOT NULL',
    `CREATE TABLE sessions (
      token_hash {text} PRIMARY KEY,
      user_id {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      created_at {ts} NOT NULL,
      expires_at {ts} NOT NULL,
      ip {text},
      user_agent {text}
    ) {strict}`,
    'CREATE INDEX sessions_user ON sessions (user_id)',
    'CREATE INDEX sessions_expiry ON sessions (expires_at)',
    `CREATE TABLE login_throttle (
      key {text} PRIMARY KEY,
      failures {int} NOT NULL CHECK (failures >= 0),
      last_failure_at {ts} NOT NULL,
      blocked_until {ts}
    ) {compact}`,
    'CREATE INDEX login_throttle_age ON login_throttle (last_failure_at)',
    // created_by has no foreign key: the keys of a deleted user stay
    `CREATE TABLE api_keys (
      id {id} PRIMARY KEY,
      name {text} NOT NULL,
      key_hash {text} NOT NULL UNIQUE,
      key_prefix {text} NOT NULL,
      access {text} NOT NULL CHECK (access IN ('read', 'write')),
      customer_id {id} REFERENCES customers (id),
      created_by {id},
      expires_at {ts},
      last_used_at {ts},
      revoked_at {ts},
      created_at {ts} NOT NULL
    ) {strict}`,
    'CREATE INDEX api_keys_customer ON api_keys (customer_id) WHERE customer_id IS NOT NULL',
    `CREATE TABLE idempotency_keys (
      scope {text} NOT NULL,
      key {text} NOT NULL,
      method {text} NOT NULL,
      path {text} NOT NULL,
      body_hash {text} NOT NULL,
      state {text} NOT NULL CHECK (state IN ('in_progress', 'done')),
      locked_until {ts},
      status_code {int},
      headers {json},
      body {text},
      created_at {ts} NOT NULL,
      expires_at {ts} NOT NULL,
      PRIMARY KEY (scope, key),
      CHECK (state <> 'done' OR status_code IS NOT NULL)
    ) {strict}`,
    'CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at)',
    `CREATE TABLE audit_log (
      id {id} PRIMARY KEY,
      at {ts} NOT NULL,
      actor_type {text} NOT NULL CHECK (actor_type IN ('user', 'api_key', 'system', 'provider', 'cli')),
      actor_id {text},
      action {text} NOT NULL,
      entity_type {text} NOT NULL,
      entity_id {text} NOT NULL,
      changes {json},
      reason {text},
      request_id {text},
      ip {text}
    ) {strict}`,
    'CREATE INDEX audit_log_entity ON audit_log (entity_type, entity_id, id)',
    'CREATE INDEX audit_log_actor ON audit_log (actor_id, id) WHERE actor_id IS NOT NULL',
    ...appendOnly('audit_log'),
    `CREATE TABLE settings (
      key {text} PRIMARY KEY,
      value {text} NOT NULL,
      secret {bool} NOT NULL,
      key_id {text},
      updated_at {ts},
      CHECK (NOT secret OR key_id IS NOT NULL)
    ) {strict}`,
  ],
  down: dropTables(
    ...['settings', 'audit_log', 'idempotency_keys', 'api_keys', 'login_throttle', 'sessions', 'users'],
    ...['leases', 'events'],
  ),
};
