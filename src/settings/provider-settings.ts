import { type Fields, invalid } from '../platform/errors.ts';
import { mask } from '../platform/secrets.ts';

export type ExternalTaxProvider = 'taxjar' | 'stripe';
export type SettingsSource = 'database' | 'environment';

/** The members of each section beside `enabled`, and which of them are secrets (contract 3.9). */
export const SECTIONS = {
  stripe: { secretKey: 'secret', webhookSecret: 'secret' },
  xendit: { secretKey: 'secret', webhookToken: 'secret' },
  lemonsqueezy: { apiKey: 'secret', storeId: 'plain', variantId: 'plain', webhookSecret: 'secret' },
  tax: { externalProvider: 'plain', taxjarApiKey: 'secret' },
} as const;
export type Section = keyof typeof SECTIONS;
export const SECTION_NAMES = Object.keys(SECTIONS) as Section[];

/** What is stored, secrets in clear. A member by `section.member`; absent = not set here. */
export interface ProviderSettings {
  readonly enabled: Readonly<Record<Section, boolean>>;
  readonly members: Readonly<Record<string, string>>;
}

export type SectionChange = { enabled?: boolean | undefined } & {
  [member: string]: string | boolean | null | undefined;
};

/** What the environment says, by `section.member`. */
export type Fallback = Readonly<Record<string, string | undefined>>;

const BULLET = '•';

export const membersOf = (section: Section) => Object.entries(SECTIONS[section] as Record<string, 'secret' | 'plain'>);

/** A value set here wins over the environment. */
export const effective = (settings: ProviderSettings, fallback: Fallback, name: string): string | undefined =>
  settings.members[name] ?? fallback[name];

/** The members that are needed and missing, with the sentence that says so. */
export function missingOf(settings: ProviderSettings, fallback: Fallback, section: Section): Fields {
  const has = (name: string) => effective(settings, fallback, name) !== undefined;
  const fields: Fields = {};
  if (section === 'tax') {
    const provider = settings.members['tax.externalProvider'];
    if (provider === undefined) fields.externalProvider = 'is needed';
    if (provider === 'taxjar' && !has('tax.taxjarApiKey')) fields.taxjarApiKey = 'is needed for taxjar';
    if (provider === 'stripe' && !has('stripe.secretKey')) fields.externalProvider = 'needs the secret key of Stripe';
    return fields;
  }
  for (const [member] of membersOf(section)) if (!has(`${section}.${member}`)) fields[member] = 'is needed';
  return fields;
}

/**
 * The settings as they would be after an update of one section: absent keeps, null falls back to the environment.
 * Throws AppError `validation_error`: a masked value sent back, a value no header can carry, enabled without what it needs.
 */
export function changedProviders(
  before: ProviderSettings,
  fallback: Fallback,
  section: Section,
  change: SectionChange,
): ProviderSettings {
  const fields: Fields = {};
  const members = { ...before.members };
  for (const [member] of membersOf(section)) {
    const [name, value] = [`${section}.${member}`, change[member]];
    if (value === null) delete members[name];
    if (typeof value !== 'string') continue;
    members[name] = value;
    if (value.includes(BULLET)) fields[member] = 'is a masked value: send the secret itself, or leave the member out';
    else if (!/^[\x21-\x7e]+$/.test(value)) fields[member] = 'must be printable ASCII without spaces';
  }
  const after = { enabled: { ...before.enabled, [section]: change.enabled ?? before.enabled[section] }, members };
  if (after.enabled[section]) Object.assign(fields, { ...missingOf(after, fallback, section), ...fields });
  if (section === 'stripe' && after.enabled.tax && 'externalProvider' in missingOf(after, fallback, 'tax'))
    fields.secretKey ??= 'is needed by the external tax provider';
  for (const _ in fields) throw invalid(fields);
  return after;
}

/** A section as it is answered: secrets masked, values of the environment included. */
export function presentSection(settings: ProviderSettings, fallback: Fallback, section: Section) {
  const shown: Record<string, string | null> = {};
  for (const [member, kind] of membersOf(section)) {
    const value = effective(settings, fallback, `${section}.${member}`);
    shown[member] = value === undefined ? null : kind === 'secret' ? mask(value) : value;
  }
  return {
    enabled: settings.enabled[section],
    configured: Object.keys(missingOf(settings, fallback, section)).length === 0,
    source: sourceOf(settings, fallback, section),
    ...shown,
  };
}

/** `database` as soon as one secret is set here. */
function sourceOf(settings: ProviderSettings, fallback: Fallback, section: Section): SettingsSource | null {
  const own = membersOf(section).flatMap(([member, kind]) => (kind === 'secret' ? [`${section}.${member}`] : []));
  const names = settings.members['tax.externalProvider'] === 'stripe' && section === 'tax' ? ['stripe.secretKey'] : own;
  if (names.some((name) => settings.members[name] !== undefined)) return 'database';
  return names.some((name) => fallback[name] !== undefined) ? 'environment' : null;
}
