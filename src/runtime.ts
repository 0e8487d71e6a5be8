import { writeAudit } from './accounts/audit.ts';
import { writeEvents } from './billing/events/store.ts';
import { hooks } from './hooks.ts';
import { queueEmails } from './mail/put-off.ts';
import { type Clock, systemClock, TestClock } from './platform/clock.ts';
import type { Config } from './platform/config.ts';
import { connect, type Database } from './platform/db/connect.ts';
import { createIds } from './platform/ids.ts';
import { createLog, type Log } from './platform/log.ts';
import { createVault } from './platform/secrets.ts';
import type { Runtime } from './platform/work.ts';

export interface RuntimeParts {
  database?: Database;
  clock?: Clock;
  log?: Log;
}

/** What a process is made of: the server, the command line and the tests all start here. */
export function createRuntime(config: Config, parts: RuntimeParts = {}): Runtime {
  return {
    config,
    database: parts.database ?? connect(config.databaseUrl, { poolSize: config.databasePoolSize }),
    clock: parts.clock ?? (config.testClock ? new TestClock() : systemClock),
    newIdAt: createIds(),
    vault: createVault(config.secretKey, config.previousSecretKey),
    log: parts.log ?? createLog(config),
    tally: new Map(),
    hooks,
    beforeCommit: async (work) => {
      await writeAudit(work);
      await queueEmails(work, await writeEvents(work));
    },
    eventsCommitted: () => {},
    atClose: [],
  };
}
