import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import { generation } from '../openapi-ts.config.ts';

// Rewrites generated/ from openapi/. With --check it only compares and fails when generated/ is stale.

const ROOT = join(import.meta.dirname, '..');
const TARGET = join(ROOT, 'generated');

function redocly(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/@redocly/cli/bin/cli.js'), ...args],
    { cwd: ROOT, env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
  );
  if (status === 0) return;
  process.stderr.write(stdout);
  process.stderr.write(stderr);
  throw new Error(`redocly ${args[0]} failed.`);
}

async function generateInto(directory: string): Promise<void> {
  redocly('lint', 'openapi/openapi.yaml', '--format', 'stylish');
  const bundle = join(directory, 'openapi.json');
  redocly('bundle', 'openapi/openapi.yaml', '-o', bundle);
  redocly('bundle', bundle, '-o', join(directory, 'openapi.yaml'));
  await createClient(generation(directory));
  cpSync(join(ROOT, 'sdk'), join(directory, 'sdk'), { recursive: true });
}

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();

function staleFiles(fresh: string): string[] {
  const names = new Set([...filesIn(fresh), ...filesIn(TARGET)]);
  const read = (directory: string, name: string): string | undefined => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  return [...names].filter((name) => read(fresh, name) !== read(TARGET, name));
}

const fresh = mkdtempSync(join(tmpdir(), 'generated-'));
try {
  await generateInto(fresh);
  if (process.argv.includes('--check')) {
    const stale = staleFiles(fresh);
    if (stale.length > 0) {
      console.error(`generated/ is stale: ${stale.join(', ')}. Run npm run generate.`);
      process.exitCode = 1;
    }
  } else {
    rmSync(TARGET, { recursive: true, force: true });
    cpSync(fresh, TARGET, { recursive: true });
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
