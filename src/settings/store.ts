import type { Config } from '../platform/config.ts';
import { toJson } from '../platform/db/columns.ts';
import type { Db } from '../platform/db/connect.ts';
import { type BillingSettings, defaultBillingSettings } from './billing-settings.ts';

const KEY = 'billing';

type Defaults = Pick<Config, 'defaultCurrency' | 'licenseKeyPrefix'>;

/** The billing settings in force; read them once per request or job step and pass them on. */
export async function loadBillingSettings(db: Db, config: Defaults): Promise<BillingSettings> {
  const [row] = await db('settings').where({ key: KEY }).select('value');
  return withDefaults(row?.value, config);
}

/** The billing settings, locked until the commit. */
export async function lockBillingSettings(db: Db, config: Defaults): Promise<BillingSettings> {
  // The row must exist to be locked: two first updates would overwrite each other.
  const first = { key: KEY, value: '{}', secret: false };
  await db('settings').insert(first).onConflict('key').ignore();
  const [row] = await db('settings').where({ key: KEY }).select('value').forNoKeyUpdate();
  return withDefaults(row?.value, config);
}

export async function saveBillingSettings(db: Db, settings: BillingSettings): Promise<void> {
  await db('settings')
    .where({ key: KEY })
    .update({ value: toJson(settings) });
}

/** A member that came with a later version has its default until it is set. */
const withDefaults = (stored: string | undefined, config: Defaults): BillingSettings => ({
  ...defaultBillingSettings(config),
  ...(stored ? JSON.parse(stored) : {}),
});
