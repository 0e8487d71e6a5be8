import { rmSync } from 'node:fs';
import pg from 'pg';

export default async function globalTeardown(): Promise<void> {
  const run = globalThis.testRun;
  if (!run) return;
  if (run.server) await run.server.stop();
  else if (run.template) {
    const client = new pg.Client(process.env.TEST_POSTGRES_URL);
    await client.connect();
    await client.query(`DROP DATABASE ${run.template} WITH (FORCE)`);
    await client.end();
  }
  rmSync(run.folder, { recursive: true, force: true });
}
