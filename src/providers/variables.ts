import type { ProviderVariables } from '../platform/provider-config.ts';
import { PROVIDER_NAMES, providerOf } from './list.ts';

/** What the providers read from the environment: members of their settings by `section.member`, and where they are called. */
export const providerVariables: ProviderVariables = {
  members: Object.fromEntries(
    PROVIDER_NAMES.map(providerOf).flatMap(({ settings: { section, members } }) =>
      Object.entries(members).map(([member, { env, maxLength }]) => [`${section}.${member}`, { env, maxLength }]),
    ),
  ),
  origins: Object.fromEntries(
    PROVIDER_NAMES.flatMap((name) => {
      const { origin } = providerOf(name);
      return origin ? [[name, origin]] : [];
    }),
  ),
};
