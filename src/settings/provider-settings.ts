import { type Fields, invalid } from '../platform/errors.ts';
import { mask } from '../platform/secrets.ts';
import {
  knownTaxProvider,
  PROVIDER_NAMES,
  providerOf,
  type Section,
  type TaxProvider,
  taxOf,
} from '../providers/list.ts';

export type SettingsSource = 'database' | 'environment';

type Kind = 'secret' | 'plain';
const TAX_PROVIDER = 'tax.externalProvider';

/** The members of each section beside `enabled`, and which of them are secrets (contract 3.9). */
const SECTIONS = sections();
export const SECTION_NAMES = [...SECTIONS.keys()];

function sections(): ReadonlyMap<Section, Readonly<Record<string, Kind>>> {
  const found = new Map<Section, Record<string, Kind>>([['tax', { externalProvider: 'plain' }]]);
  for (const { settings } of PROVIDER_NAMES.map(providerOf)) {
    const kinds = Object.entries(settings.members).map(([member, { kind }]) => [member, kind]);
    const section = settings.section as Section;
    found.set(section, { ...found.get(section), ...Object.fromEntries(kinds) });
  }
  return found;
}

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

export const membersOf = (section: Section) => Object.entries(SECTIONS.get(section)!);

/** Throws when this server does not know the one that is stored. */
export function taxProviderOf({ members }: Pick<ProviderSettings, 'members'>): TaxProvider | undefined {
  const name = members[TAX_PROVIDER];
  return name === undefined ? undefined : knownTaxProvider(name);
}

const placeOf = (name: string): [section: string, member: string] => name.split('.') as [string, string];
/** Where the key of the chosen tax provider stands. */
function taxKeyOf(settings: ProviderSettings): [section: string, member: string] | undefined {
  const provider = taxProviderOf(settings);
  return provider && placeOf(taxOf(provider).key);
}
/** `secretKey` -> `secret key`. */
const inWords = (member: string): string => member.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** A value set here wins over the environment. */
export const effective = (settings: ProviderSettings, fallback: Fallback, name: string): string | undefined =>
  settings.members[name] ?? fallback[name];

/** The members that are needed and missing, with the sentence that says so. */
export function missingOf(settings: ProviderSettings, fallback: Fallback, section: Section): Fields {
  const has = (name: string) => effective(settings, fallback, name) !== undefined;
  const fields: Fields = {};
  if (section === 'tax') {
    const provider = taxProviderOf(settings);
    if (provider === undefined) fields.externalProvider = 'is needed';
    else if (!has(taxOf(provider).key)) {
      const [at, member] = placeOf(taxOf(provider).key);
      if (at === 'tax') fields[member] = `is needed for ${provider}`;
      else fields.externalProvider = `needs the ${inWords(member)} of ${providerOf(provider).title}`;
    }
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
  const [keyAt, key] = taxKeyOf(after) ?? [];
  if (key && keyAt === section && section !== 'tax' && after.enabled.tax)
    if ('externalProvider' in missingOf(after, fallback, 'tax'))
      fields[key] ??= 'is needed by the external tax provider';
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
  const key = section === 'tax' ? taxKeyOf(settings) : undefined;
  const names = key && key[0] !== 'tax' ? [key.join('.')] : own;
  if (names.some((name) => settings.members[name] !== undefined)) return 'database';
  return names.some((name) => fallback[name] !== undefined) ? 'environment' : null;
}
