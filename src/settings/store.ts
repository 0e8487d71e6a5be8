import type { Instant } from '../platform/calendar.ts';
import type { Config } from '../platform/config.ts';
import { json, toJson } from '../platform/db/columns.ts';
import type { Db } from '../platform/db/connect.ts';
import { type BillingSettings, defaultBillingSettings } from './billing-settings.ts';

const KEY = 'billing';

type Defaults = Pick<Config, 'defaultCurrency' | 'licenseKeyPrefix'>;

interface Row {
  value: string;
  updated_at: Instant | null;
}

/** The billing settings in force; read them once per request or job step and pass them on. */
export async function loadBillingSettings(db: Db, config: Defaults): Promise<BillingSettings> {
  const [row] = await db('settings').where({ key: KEY }).select('value', 'updated_at');
  return fromRow(row, config);
}

/** The billing settings, locked until the commit. */
export async function lockBillingSettings(db: Db, config: Defaults): Promise<BillingSettings> {
  // The row must exist to be locked: two first updates would overwrite each other.
  await db('settings').insert({ key: KEY, value: '{}', secret: false }).onConflict('key').ignore();
  const [row] = await db('settings').where({ key: KEY }).select('value', 'updated_at').forNoKeyUpdate();
  return fromRow(row, config);
}

export async function saveBillingSettings(db: Db, { updatedAt, ...members }: BillingSettings): Promise<void> {
  await db('settings')
    .where({ key: KEY })
    .update({ value: toJson(members), updated_at: updatedAt });
}

/** A member that came with a later version has its default until it is set. */
function fromRow(row: Row | undefined, config: Defaults): BillingSettings {
  const defaults = defaultBillingSettings(config);
  if (!row) return defaults;
  const stored = json<Partial<BillingSettings>>(row.value);
  return { ...defaults, ...stored, updatedAt: row.updated_at ?? defaults.updatedAt };
}
