import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';

/** Jest's own options would slow down what runs outside of it. */
const { NODE_OPTIONS: _, ...ENVIRONMENT } = process.env;
const SECRETS = { SECRET_KEY: 'a secret key of the tests, long enough', NODE_ENV: 'development' };

function start(program: string, args: string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    env: { ...ENVIRONMENT, ...SECRETS, LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export interface BillingRun {
  /** `SIGKILL`, or null when the run came to its end. */
  signal: string | null;
  statements: number;
  commits: number;
  invoices: number;
  errors: unknown[];
}

/** The billing run in a process of its own (run-billing.ts). Throws when it fails otherwise than by a kill. */
export async function billInProcess(url: string, now: string, env: Record<string, string> = {}): Promise<BillingRun> {
  const child = start('test/support/run-billing.ts', [now], { DATABASE_URL: url, ...env });
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the billing process ended with ${code}: ${err}`);
  return { ...(signal ? { statements: 0, commits: 0, invoices: 0, errors: [] } : JSON.parse(out)), signal };
}

export interface ServerProcess {
  base: string;
  /** Ends it at once, without any chance to finish. */
  kill(): Promise<void>;
  /** SIGTERM: answers the exit code. */
  stop(): Promise<number>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The real server (src/main.ts), once it says that it is ready. Throws with its error output when it ends before. */
export async function startServer(url: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const port = await freePort();
  const settings = { DATABASE_URL: url, PORT: String(port), SCHEDULER: 'off', RATE_LIMITS: 'off', ...env };
  const child = start('src/main.ts', [], settings);
  const [err, exited] = [text(child.stderr!), once(child, 'exit')];
  child.stdout!.resume();
  const base = `http://127.0.0.1:${port}`;
  const ended = exited.then(async ([code]) => {
    throw new Error(`the server ended with ${code}: ${await err}`);
  });
  await Promise.race([ready(base), ended]);
  ended.catch(() => {}); // from here on it is ended by the test
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number> => {
    child.kill(signal);
    const [code] = await exited;
    return code;
  };
  return { base, kill: async () => void (await end('SIGKILL')), stop: () => end('SIGTERM') };
}

async function ready(base: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${base}/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
