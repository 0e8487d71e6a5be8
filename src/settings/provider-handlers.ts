import type { ProviderSettings as Shown } from '../../generated/types.gen.ts';
import { changesOf } from '../platform/changes.ts';
import type { Context, Handlers } from '../platform/http/operations.ts';
import type { Section } from '../providers/list.ts';
import {
  changedProviders,
  type Fallback,
  membersOf,
  type ProviderSettings,
  presentSection,
  SECTION_NAMES,
  type SectionChange,
} from './provider-settings.ts';
import { loadProviderSettings, lockProviderSettings, saveProviderSettings } from './provider-store.ts';
import { PROVIDERS_WITHOUT_EFFECT } from './without-effect.ts';

type Tag = Handlers<'settings'>;
type Update<S extends Section> = `update${Capitalize<S>}Settings`;

export const providerSettings: Pick<Tag, 'getProviderSettings' | Update<Section>> = {
  getProviderSettings: async (_, { db, runtime }) =>
    present(await loadProviderSettings(db, runtime), runtime.config.providers.members),
  ...(Object.fromEntries(SECTION_NAMES.map((section) => [operationOf(section), updateOf(section)])) as Pick<
    Tag,
    Update<Section>
  >),
};

/** One operation per section, named after it. */
function operationOf(section: Section): string {
  return `update${section.charAt(0).toUpperCase()}${section.slice(1)}Settings`;
}

function updateOf(section: Section) {
  return ({ body }: { body: SectionChange }, context: Context): Promise<Shown> => update(context, section, body);
}

async function update(context: Context, section: Section, change: SectionChange): Promise<Shown> {
  const { db, now, runtime } = context;
  const fallback = runtime.config.providers.members;
  const before = await lockProviderSettings(db, runtime);
  const after = changedProviders(before, fallback, section, change);
  const secrets = sentSecrets(before, section, change);
  const { changed, changes } = differences(before, after, section);
  if (secrets.size > 0 || Object.keys(changes).length > 0) await saveProviderSettings(db, runtime, after, secrets, now);
  if (changed.length > 0 || Object.keys(changes).length > 0) {
    const reason = changed.length > 0 ? `secrets changed: ${changed.join(', ')}` : undefined;
    context.audit({ entityType: 'settings', entityId: `providers.${section}`, changes, reason });
  }
  return present(after, fallback);
}

const secretsOf = (section: Section) =>
  membersOf(section).flatMap(([member, kind]) => (kind === 'secret' ? [member] : []));

/** The secrets to write; one that is cleared is deleted even when it could not be read. */
function sentSecrets(before: ProviderSettings, section: Section, change: SectionChange): Map<string, string | null> {
  const sent = new Map<string, string | null>();
  for (const member of secretsOf(section)) {
    const [name, value] = [`${section}.${member}`, change[member]];
    if (value === null || (typeof value === 'string' && value !== before.members[name])) sent.set(name, value);
  }
  return sent;
}

/** Names of the changed secrets, and the changed rest with its values (rules H8: no secret in the audit log). */
function differences(before: ProviderSettings, after: ProviderSettings, section: Section) {
  const secrets = secretsOf(section);
  const plainOf = ({ enabled, members }: ProviderSettings): object => {
    const plain = membersOf(section).filter(([member]) => !secrets.includes(member));
    const values = plain.map(([member]) => [member, members[`${section}.${member}`] ?? null]);
    return { enabled: enabled[section], ...Object.fromEntries(values) };
  };
  const changed = secrets.filter((member) => {
    const name = `${section}.${member}`;
    return before.members[name] !== after.members[name];
  });
  return { changed, changes: changesOf(plainOf(before), plainOf(after)) };
}

function present(settings: ProviderSettings, fallback: Fallback): Shown {
  const shown = SECTION_NAMES.map((section) => [section, presentSection(settings, fallback, section)]);
  return { ...Object.fromEntries(shown), withoutEffect: [...PROVIDERS_WITHOUT_EFFECT] } as Shown;
}
