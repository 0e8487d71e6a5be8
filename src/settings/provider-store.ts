import type { Instant } from '../platform/calendar.ts';
import { json, toJson } from '../platform/db/columns.ts';
import type { Db } from '../platform/db/connect.ts';
import { keyIdOf } from '../platform/secrets.ts';
import type { Runtime } from '../platform/work.ts';
import { type Section, type TaxProvider, taxOf } from '../providers/list.ts';
import { effective, membersOf, type ProviderSettings, SECTION_NAMES, taxProviderOf } from './provider-settings.ts';

/** The row of everything that is no secret; locking it serialises all changes. Each secret has a row of its own. */
const KEY = 'providers';

type Sealed = Pick<Runtime, 'vault' | 'log'>;
interface Row {
  key: string;
  value: string;
  secret: unknown;
}
interface Plain {
  enabled?: Partial<Record<Section, boolean>>;
  members?: Record<string, string>;
}

const names = (kind: 'secret' | 'plain'): string[] =>
  SECTION_NAMES.flatMap((section) =>
    membersOf(section).flatMap(([member, is]) => (is === kind ? [`${section}.${member}`] : [])),
  );
const SECRETS = names('secret');

/** Everything as stored, secrets in clear. A secret that cannot be read counts as unset, and the log says so. */
export async function loadProviderSettings(db: Db, sealed: Sealed): Promise<ProviderSettings> {
  const rows: Row[] = await db('settings').whereIn('key', [KEY, ...SECRETS]);
  const plain = json<Plain>(rows.find(({ key }) => key === KEY)?.value ?? '{}');
  const members = { ...plain.members };
  for (const { key, value } of rows) {
    const secret = key === KEY ? undefined : unsealed(sealed, key, value);
    if (secret !== undefined) members[key] = secret;
  }
  const enabled = Object.fromEntries(SECTION_NAMES.map((section) => [section, plain.enabled?.[section] ?? false]));
  return { enabled: enabled as Record<Section, boolean>, members };
}

/** As loadProviderSettings, locked until the commit. */
export async function lockProviderSettings(db: Db, sealed: Sealed): Promise<ProviderSettings> {
  await db('settings').insert({ key: KEY, value: '{}', secret: false }).onConflict('key').ignore();
  await db('settings').where({ key: KEY }).select('key').forNoKeyUpdate();
  return loadProviderSettings(db, sealed);
}

/**
 * Writes the plain members, and the secrets that are named: null deletes. The others are left as they are, so that one
 * that cannot be read now is not lost by a change of another. The settings must be locked.
 */
export async function saveProviderSettings(
  db: Db,
  { vault }: Sealed,
  { enabled, members }: ProviderSettings,
  secrets: ReadonlyMap<string, string | null>,
  now: Instant,
): Promise<void> {
  const plain = Object.fromEntries(names('plain').flatMap((name) => (members[name] ? [[name, members[name]]] : [])));
  await db('settings')
    .where({ key: KEY })
    .update({ value: toJson({ enabled, members: plain }), updated_at: now });
  for (const [key, secret] of secrets) {
    if (secret === null) await db('settings').where({ key }).delete();
    else {
      const row = { key, value: vault.encrypt(secret, key), secret: true, key_id: vault.keyId, updated_at: now };
      await db('settings').insert(row).onConflict('key').merge();
    }
  }
}

/** Encrypts with the present key what an older one encrypted, so that SECRET_KEY_PREVIOUS may go (rules H7). */
export async function reencryptProviderSettings(runtime: Runtime): Promise<number> {
  return runtime.database.transaction(async (db) => {
    const rows: Row[] = await db('settings').where({ secret: true }).forNoKeyUpdate();
    const old = rows.filter(({ key, value }) => SECRETS.includes(key) && keyIdOf(value) !== runtime.vault.keyId);
    for (const { key, value } of old) {
      const secret = unsealed(runtime, key, value);
      if (secret === undefined) continue;
      const sealed = { value: runtime.vault.encrypt(secret, key), key_id: runtime.vault.keyId };
      await db('settings').where({ key }).update(sealed);
    }
    return old.length;
  });
}

/** The external tax provider in force; null when there is none or it is disabled. Reads no secret. */
export async function enabledTaxProvider(db: Db): Promise<TaxProvider | null> {
  const [row] = await db('settings').where({ key: KEY }).select('value');
  const { enabled, members } = json<Plain>(row?.value ?? '{}');
  return enabled?.tax ? (taxProviderOf({ members: members ?? {} }) ?? null) : null;
}

/** The key the tax provider is asked with; undefined when it is not (or no longer) there. */
export async function taxSecret(runtime: Runtime, provider: TaxProvider): Promise<string | undefined> {
  const settings = await loadProviderSettings(runtime.database.read, runtime);
  return effective(settings, runtime.config.providers.members, taxOf(provider).key);
}

function unsealed({ vault, log }: Sealed, key: string, value: string): string | undefined {
  try {
    return vault.decrypt(value, key);
  } catch {
    log.error({ setting: key }, 'a stored secret cannot be decrypted with SECRET_KEY or SECRET_KEY_PREVIOUS');
    return undefined;
  }
}
