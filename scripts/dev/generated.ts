import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = ['openapi', 'sdk', 'scripts/generate.ts', 'scripts/operations-plugin.ts', 'openapi-ts.config.ts'];
/** Written in place after each generation: who runs from generated/ may watch it. */
export const STAMP = 'data/generated.sha256';

/**
 * Runs `npm run generate` unless neither its sources nor its output have changed since the last time.
 * Throws when it fails; with `keepGoing` it only reports, so that a half-written contract does not end the server.
 */
export function generateIfStale({ keepGoing = false } = {}): void {
  if (fingerprint() === readStamp()) return;
  console.log('Generating from openapi/ …');
  const { status } = spawnSync(process.execPath, ['scripts/generate.ts'], { stdio: 'inherit' });
  if (status === 0) {
    mkdirSync('data', { recursive: true });
    writeFileSync(STAMP, fingerprint());
  } else if (!keepGoing) throw new Error('The contract in openapi/ could not be generated.');
}

function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of [...SOURCES, 'generated'].flatMap(filesUnder)) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function filesUnder(path: string): string[] {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readStamp(): string | undefined {
  try {
    return readFileSync(STAMP, 'utf8');
  } catch {
    return undefined;
  }
}
