import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { programPath, VECTORS, vectors } from '../support/licensing.ts';

// The package as npm would publish it: built, and imported by its name.

const ROOT = join(import.meta.dirname, '../..');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'license-package-'));
  const target = join(folder, 'node_modules/rustbill-sdk');
  mkdirSync(target, { recursive: true });
  cpSync(join(ROOT, 'generated/sdk/package.json'), join(target, 'package.json'));
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const built = spawnSync(tsc, ['-p', join(ROOT, 'generated/sdk'), '--outDir', join(target, 'dist')], {
    encoding: 'utf8',
  });
  expect([built.status, built.stdout]).toEqual([0, '']);
  cpSync(VECTORS, join(folder, 'vectors'), { recursive: true });
  writeFileSync(join(folder, 'run.js'), RUN);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs everywhere: what the verifier answers to each vector. */
const RUN = `
export async function run(verifyLicenseFile, read) {
  const { vectors } = JSON.parse(new TextDecoder().decode(await read('index.json')));
  const answers = [];
  for (const { id, file, keys, now, ...options } of vectors) {
    const publicKeys = JSON.parse(new TextDecoder().decode(await read(keys)));
    const result = await verifyLicenseFile(await read(file), { ...options, publicKeys, now: new Date(now) });
    answers.push([id, result.valid ? 'valid' : result.reason]);
  }
  return answers;
}
`;
const expected = vectors.map(({ id, expect: { valid, reason } }) => [id, valid ? 'valid' : reason]);

describe('rustbill-sdk/license', () => {
  const NODE = `
    import { readFile } from 'node:fs/promises';
    import * as license from 'rustbill-sdk/license';
    import { createRustBill } from 'rustbill-sdk';
    import { run } from './run.js';
    const answers = await run(license.verifyLicenseFile, (name) => readFile('vectors/' + name));
    console.log(JSON.stringify([Object.keys(license).sort(), typeof createRustBill, answers]));
  `;

  test('in Node, imported by its name', () => {
    writeFileSync(join(folder, 'node.mjs'), NODE);
    const { stdout, stderr } = spawnSync(process.execPath, ['node.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([
      ['createLicenseChecker', 'mergeLicenseStates', 'verifyLicenseFile'],
      'function',
      expected,
    ]);
  });

  test('imports nothing but itself', () => {
    const dist = join(folder, 'node_modules/rustbill-sdk/dist');
    const seen = new Set<string>();
    const visit = (name: string): void => {
      if (seen.has(name)) return;
      seen.add(name);
      const imports = readFileSync(join(dist, name), 'utf8').matchAll(/from '([^']+)'|import\(/g);
      for (const [, path = 'import()'] of imports) visit(join(name, '..', path));
    };
    visit('license.js');
    expect([...seen].sort()).toEqual([
      'license.js',
      ...['checker', 'file', 'keys', 'memory', 'online', 'payload', 'state', 'verify', 'watch'].map(
        (it) => `license/${it}.js`,
      ),
    ]);
  });

  test('has types that a product compiles with', () => {
    writeFileSync(
      join(folder, 'product.mts'),
      `import { type LicenseState, verifyLicenseFile } from 'rustbill-sdk/license';
       export async function allows(file: string, state: LicenseState | null): Promise<[boolean, string | null]> {
         const result = await verifyLicenseFile(file, { publicKeys: 'x', productId: 'p', state });
         return result.valid ? [result.license.features.includes('pro'), null] : [false, result.reason];
       }
       // @ts-expect-error The state must not be forgotten.
       void verifyLicenseFile('', { publicKeys: 'x', productId: 'p' });
       // @ts-expect-error A refused licence has no features.
       void verifyLicenseFile('', { publicKeys: 'x', productId: 'p', state: null }).then((result) => result.license);
      `,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', ''];
    const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'product.mts'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, '']);
  });
});

// Skipped where there is no Chromium; nothing needs one.
describe('in a browser', () => {
  const chromium = programPath('chromium', 'chromium-browser', 'google-chrome');
  const run = chromium ? test : test.skip;

  const PAGE = `<!doctype html><script type="module">
    import { run } from '/run.js';
    let body;
    try {
      const { verifyLicenseFile } = await import('/node_modules/rustbill-sdk/dist/license.js');
      const read = async (name) => new Uint8Array(await (await fetch('/vectors/' + name)).arrayBuffer());
      body = JSON.stringify(await run(verifyLicenseFile, read));
    } catch (error) {
      body = JSON.stringify(String(error));
    }
    await fetch('/answers', { method: 'POST', body });
  </script>`;
  const TYPES: Record<string, string> = { '.js': 'text/javascript', '.json': 'application/json' };

  /** Serves the package and the vectors, and hands over what the page has posted. */
  function serve(done: (body: string) => void): Server {
    return createServer((request, response) => {
      if (request.method === 'POST') {
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          response.end();
          done(body);
        });
        return;
      }
      const path = decodeURIComponent(new URL(request.url!, 'http://localhost').pathname);
      const type = path === '/' ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream');
      try {
        const content = path === '/' ? PAGE : readFileSync(join(folder, path));
        response.writeHead(200, { 'Content-Type': type }).end(content);
      } catch {
        response.writeHead(404).end();
      }
    });
  }

  run('Chromium answers as Node does', async () => {
    let browser: ChildProcess | undefined;
    let server: Server | undefined;
    try {
      const answers = await new Promise<string>((resolve, reject) => {
        server = serve(resolve).listen(0, '127.0.0.1', () => {
          const { port } = server!.address() as AddressInfo;
          const options =
            '--headless --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage';
          const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
          const profile = `--user-data-dir=${join(folder, 'profile')}`;
          browser = spawn(chromium!, [...options.split(' '), ...sandbox, profile, `http://127.0.0.1:${port}/`], {
            stdio: 'ignore',
          });
          browser.on('error', reject).on('exit', (code) => reject(new Error(`Chromium ended with ${code}.`)));
        });
      });
      expect(JSON.parse(answers)).toEqual(expected);
    } finally {
      if (browser && browser.exitCode === null) {
        const ended = new Promise((resolve) => browser!.once('exit', resolve));
        browser.kill();
        await ended;
      }
      server?.closeAllConnections();
      server?.close();
    }
  });
});
