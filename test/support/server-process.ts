import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ServerProcess {
  origin: string;
  process: ChildProcess;
  /** Exit code, once it has ended. */
  ended: Promise<number | null>;
  output: string[];
}

/** A real `node src/main.ts` on a port of its own; resolves when it listens. */
export async function startServerProcess(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, ['src/main.ts'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      SECRET_KEY: 'a secret key of the tests, long enough',
      SCHEDULER: 'off',
      ...env,
    },
  });
  const output: string[] = [];
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const listening = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        if (line.includes('"listening"')) resolve();
      });
    void ended.then((code) => reject(new Error(`the server ended with ${code}: ${output.join('\n')}`)));
  });
  await listening;
  return { origin: `http://127.0.0.1:${port}`, process: child, ended, output };
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
