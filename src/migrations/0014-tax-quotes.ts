import { dropTables, type Migration } from './migration.ts';

/** A cache: rows are written over when they are asked again. */
export const taxQuotes: Migration = {
  name: '0014-tax-quotes',
  up: [
    `CREATE TABLE tax_quotes (
      country {text} NOT NULL CHECK (length(country) = 2),
      region {text} NOT NULL,
      product_category {text} NOT NULL CHECK (product_category IN ('', 'licensed', 'saas', 'api')),
      provider {text} NOT NULL CHECK (provider IN ('taxjar', 'stripe')),
      tax_name {text} NOT NULL,
      rate {dec} NOT NULL,
      valid_until {ts} NOT NULL,
      PRIMARY KEY (country, region, product_category, provider)
    ) {compact}`,
  ],
  down: dropTables('tax_quotes'),
};
