import { type Config, readConfigWith } from './platform/config.ts';
import { providerVariables } from './providers/variables.ts';

/** The configuration of a process, read once. Throws ConfigError with everything that is wrong. */
export const readConfig = (env?: Record<string, string | undefined>): Config => readConfigWith(providerVariables, env);
