import { dropTables, fixed, type Migration, refuse } from './migration.ts';

export const catalogue: Migration = {
  name: '0001-catalogue',
  up: [
    {
      postgres: `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$`,
    },
    `CREATE TABLE products (
      id {id} PRIMARY KEY,
      name {text} NOT NULL,
      product_type {text} NOT NULL CHECK (product_type IN ('licensed', 'saas', 'api')),
      description {text},
      price {money} NOT NULL CHECK (price >= 0),
      currency {text} NOT NULL CHECK (length(currency) = 3),
      status {text} NOT NULL CHECK (status IN ('active', 'inactive', 'archived')),
      created_at {ts} NOT NULL,
      updated_at {ts} NOT NULL
    ) {strict}`,
    `CREATE TABLE plans (
      id {id} PRIMARY KEY,
      product_id {id} NOT NULL REFERENCES products (id),
      name {text} NOT NULL,
      active {bool} NOT NULL,
      currency {text} NOT NULL CHECK (length(currency) = 3),
      trial_days {int} NOT NULL CHECK (trial_days BETWEEN 0 AND 730),
      features {json} NOT NULL,
      license_template {json},
      current_version {int} NOT NULL CHECK (current_version >= 1),
      version {int} NOT NULL CHECK (version >= 1),
      created_at {ts} NOT NULL,
      updated_at {ts} NOT NULL
    ) {strict}`,
    'CREATE INDEX plans_product ON plans (product_id)',
    `CREATE TABLE plan_versions (
      id {id} PRIMARY KEY,
      plan_id {id} NOT NULL REFERENCES plans (id),
      number {int} NOT NULL CHECK (number >= 1),
      pricing_model {text} NOT NULL CHECK (pricing_model IN ('flat', 'per_unit', 'tiered', 'usage_based')),
      tier_mode {text} NOT NULL CHECK (tier_mode IN ('graduated', 'volume')),
      billing_cycle {text} NOT NULL CHECK (billing_cycle IN ('monthly', 'quarterly', 'yearly')),
      base_price {dec} NOT NULL,
      unit_price {dec},
      tiers {json},
      usage_metric {json},
      created_at {ts} NOT NULL,
      UNIQUE (plan_id, number),
      UNIQUE (plan_id, id),
      CHECK (pricing_model <> 'tiered' OR tiers IS NOT NULL),
      CHECK ((pricing_model = 'usage_based') = (usage_metric IS NOT NULL))
    ) {strict}`,
    refuse('plan_versions', 'UPDATE', 'no_update', 'a plan version never changes'),
    `CREATE TABLE customers (
      id {id} PRIMARY KEY,
      name {text} NOT NULL,
      email {text} NOT NULL,
      email_key {text} NOT NULL UNIQUE,
      company {text},
      tier {text} NOT NULL CHECK (tier IN ('starter', 'professional', 'enterprise')),
      billing_email {text},
      phone {text},
      billing_address {text},
      billing_city {text},
      billing_state {text},
      billing_zip {text},
      billing_country {text} CHECK (length(billing_country) = 2),
      tax_id {text},
      payment_method {text}
        CHECK (payment_method IN ('manual', 'stripe', 'xendit', 'lemonsqueezy', 'bank_transfer', 'check')),
      currency {text} CHECK (length(currency) = 3),
      stripe_customer_id {text},
      xendit_customer_id {text},
      metadata {json} NOT NULL,
      version {int} NOT NULL CHECK (version >= 1),
      created_at {ts} NOT NULL,
      updated_at {ts} NOT NULL
    ) {strict}`,
    'CREATE UNIQUE INDEX customers_stripe ON customers (stripe_customer_id) WHERE stripe_customer_id IS NOT NULL',
    'CREATE UNIQUE INDEX customers_xendit ON customers (xendit_customer_id) WHERE xendit_customer_id IS NOT NULL',
    `CREATE TABLE tax_rules (
      id {id} PRIMARY KEY,
      country {text} NOT NULL CHECK (length(country) = 2),
      region {text},
      tax_name {text} NOT NULL,
      rate {dec} NOT NULL,
      inclusive {bool} NOT NULL,
      product_category {text} CHECK (product_category IN ('licensed', 'saas', 'api')),
      effective_from {date} NOT NULL,
      effective_to {date},
      created_at {ts} NOT NULL,
      CHECK (effective_to >= effective_from)
    ) {strict}`,
    `CREATE UNIQUE INDEX tax_rules_open ON tax_rules (country, coalesce(region, ''), coalesce(product_category, ''))
      WHERE effective_to IS NULL`,
    'CREATE INDEX tax_rules_country ON tax_rules (country, effective_from)',
    fixed(
      'tax_rules',
      'fixed',
      ['country', 'region', 'tax_name', 'rate', 'inclusive', 'product_category', 'effective_from'],
      'a tax rule is history: only effective_to changes',
    ),
  ],
  down: [
    ...dropTables('tax_rules', 'customers', 'plan_versions', 'plans', 'products'),
    { postgres: 'DROP FUNCTION refuse_change()' },
  ],
};
