import { z } from 'zod';
import { isOrigin } from './origin.ts';

/** What the services outside read from the environment, as they describe it themselves. */
export interface ProviderVariables {
  /** By `section.member` of their settings: the variable that counts while nothing is set (contract 2.24). */
  readonly members: Readonly<Record<string, { readonly env: string; readonly maxLength: number }>>;
  /** By provider: the variable for another origin, and its own. */
  readonly origins: Readonly<Record<string, { readonly env: string; readonly own: string }>>;
}

/** Where the providers are, and what the environment says about the members of their settings, by `section.member`. */
export interface ProviderConfig {
  origins: Readonly<Record<string, string>>;
  /** How long one call of a provider may take. */
  timeoutMs: number;
  members: Readonly<Record<string, string | undefined>>;
}

const TIMEOUT_MS = 5_000;

export function providerSchema({ members, origins }: ProviderVariables): Record<string, z.ZodType<string | undefined>> {
  const text = (max: number) => z.string().max(max, `must have at most ${max} characters`).optional();
  const address = z.string().refine(isOrigin, 'must be an http(s) origin such as https://api.example.com').optional();
  return Object.fromEntries([
    ...Object.values(members).map(({ env, maxLength }) => [env, text(maxLength)]),
    ...Object.values(origins).map(({ env }) => [env, address]),
  ]);
}

export function readProviders(
  { members, origins }: ProviderVariables,
  given: Readonly<Record<string, unknown>>,
): ProviderConfig {
  const read = (env: string) => given[env] as string | undefined;
  return {
    origins: Object.fromEntries(Object.entries(origins).map(([name, { env, own }]) => [name, read(env) ?? own])),
    timeoutMs: TIMEOUT_MS,
    members: Object.fromEntries(Object.entries(members).map(([name, { env }]) => [name, read(env)])),
  };
}

/** Secrets travel to these addresses: in production only over TLS. Answers the variables that say otherwise. */
export const insecureAddresses = ({ origins }: ProviderVariables, env: Record<string, string | undefined>): string[] =>
  Object.values(origins)
    .map((origin) => origin.env)
    .filter((name) => env[name]?.startsWith('http:'));
