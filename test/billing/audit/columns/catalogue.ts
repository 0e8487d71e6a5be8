import { all, CACHE, type Columns, derived, KEY, LINK, PERSON, STAMP, VERSION } from './held.ts';

export const catalogue: Record<string, Columns> = {
  products: {
    ...all(KEY, 'id'),
    ...all(PERSON, 'name product_type description price currency status'),
    ...all(STAMP, 'created_at updated_at'),
  },
  plans: {
    ...all(KEY, 'id'),
    ...all(LINK, 'product_id'),
    ...all(PERSON, 'name active currency trial_days features license_template'),
    ...all(VERSION, 'version'),
    ...all(STAMP, 'created_at updated_at'),
    current_version: derived('INV29'),
  },
  plan_versions: {
    ...all(
      'fixed',
      'id plan_id pricing_model tier_mode billing_cycle base_price unit_price tiers usage_metric created_at',
    ),
    number: derived('INV29 INV26 INV28'),
  },
  customers: {
    ...all(KEY, 'id'),
    ...all(PERSON, 'name email email_key company tier billing_email phone billing_address billing_city billing_state'),
    ...all(PERSON, 'billing_zip billing_country tax_id currency stripe_customer_id xendit_customer_id metadata'),
    ...all(VERSION, 'version'),
    ...all(STAMP, 'created_at updated_at'),
    payment_method: derived('INV14', `'paddle'`, '1 = 1'),
  },
  coupons: {
    ...all(KEY, 'id'),
    ...all('fixed', 'code_key discount_type percent_ppm amount currency duration duration_cycles applies_to'),
    ...all(PERSON, 'code name max_redemptions valid_from valid_until active'),
    ...all(STAMP, 'created_at updated_at'),
    times_redeemed: derived('INV21'),
  },
  tax_rules: {
    ...all(KEY, 'id'),
    ...all('fixed', 'country region tax_name rate inclusive product_category effective_from'),
    ...all(STAMP, 'created_at'),
    effective_to: derived('INV29', 'null', 'effective_to is not null'),
  },
  tax_quotes: {
    ...all(KEY, 'country region product_category'),
    ...all(CACHE, 'tax_name rate valid_until'),
    provider: 'given: INV14 proves the name; the rows come and go',
  },
  trials: {
    ...all(KEY, 'customer_id product_id'),
    started_at: 'given: of the first trial; only that there was one counts (S15)',
  },
};
