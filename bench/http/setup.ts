import { ensureFirstAdmin } from '../../src/accounts/users/first-admin.ts';
import { createApp, publishedSpec } from '../../src/app.ts';
import type { Config } from '../../src/platform/config.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import type { Spec } from '../../src/platform/http/contract.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { createRuntime } from '../../src/runtime.ts';

export const ADMIN = { email: 'bench@rustbill.example', password: 'a password for benchmarks' };

export const benchConfig = (databaseUrl: string): Config => ({
  production: true,
  port: 0,
  host: '127.0.0.1',
  databaseUrl,
  databasePoolSize: 10,
  secretKey: 'a secret key of the benchmarks, long enough',
  previousSecretKey: undefined,
  firstAdmin: ADMIN,
  cronSecret: undefined,
  scheduler: false,
  testClock: false,
  migrateOnStart: true,
  corsOrigins: [],
  publicUrl: 'http://localhost:3001',
  defaultCurrency: 'USD',
  sessionExpiryDays: 7,
  emailRetentionDays: 90,
  licenseKeyPrefix: 'RUSTBILL',
  logLevel: 'warn',
  metricsToken: undefined,
  rateLimits: true,
  trustProxy: 0,
  providers: { origins: {}, timeoutMs: 5000, members: {} },
  mail: undefined,
});

export async function benchRuntime(databaseUrl: string): Promise<Runtime> {
  const runtime = createRuntime(benchConfig(databaseUrl));
  await migrate(runtime.database, runtime.clock.now());
  await ensureFirstAdmin(runtime);
  return runtime;
}

/** The published document with paths added until it has `count`; each repeats a real operation under another name. */
export function paddedSpec(count: number): { spec: Spec; extra: string[] } {
  const spec = publishedSpec();
  const model = spec.paths['/api/products/{id}']!.get!;
  const extra: string[] = [];
  for (let i = Object.keys(spec.paths).length; i < count; i++) {
    const operationId = `padding${i}`;
    spec.paths[`/api/padding${i}/{id}`] = { get: { ...model, operationId } };
    extra.push(operationId);
  }
  return { spec, extra };
}

export { createApp };
