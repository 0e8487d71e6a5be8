import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { insertSigningKey } from '../../src/licenses/signing/key-store.ts';
import { encodeFile } from '../../src/licenses/signing/license-file.ts';
import { signLicense } from '../../src/licenses/signing/sign.ts';
import { generateSigningKey } from '../../src/licenses/signing/signing-key.ts';
import { listLicenses } from '../../src/licenses/store.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import { inTransaction } from '../../src/platform/work.ts';
import { benchRuntime } from '../http/setup.ts';
import { type DatabaseName, openDatabase } from '../support/databases.ts';
import { median, ratio, table } from '../support/stats.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 4);
const LICENSES = 10_000;
/** Licences that are asked about; the requests go round them. */
const ASKED = 500;
const CONNECTIONS = 32;
const pinned = spawnSync('taskset', ['--version']).status === 0;

type Bodies = Record<string, { path: string; bodies: object[] }>;

/** The public checks against bare Express with the plain driver and the same SQL; alternating rounds, medians. */
export async function benchLicenses(name: DatabaseName): Promise<string> {
  const { url, close } = await openDatabase(name);
  const kinds = await prepare(url);
  const servers = { bare: await start('bare', url), rustbill: await start('rustbill', url) };
  const results: Record<string, number[]> = {};
  const note = (key: string, value: number) => {
    results[key] = [...(results[key] ?? []), value];
  };
  for (let round = 0; round < ROUNDS; round++)
    for (const [kind, { path, bodies }] of Object.entries(kinds))
      for (const [variant, server] of Object.entries(servers)) {
        const requests = bodies.map((body) => ({ method: 'POST', path, body: JSON.stringify(body) }));
        const before = cpuSeconds(server.process.pid!);
        const run = await autocannon({
          url: `http://127.0.0.1:${server.port}`,
          headers: { 'content-type': 'application/json' },
          requests,
          connections: CONNECTIONS,
          duration: SECONDS,
        });
        if (run.non2xx > 0) throw new Error(`${kind} ${variant}: ${run.non2xx} requests failed`);
        note(`${kind} ${variant}`, run.requests.average);
        note(`${kind} ${variant} p99`, run.latency.p99);
        note(`${kind} ${variant} cpu`, ((cpuSeconds(server.process.pid!) - before) * 1e6) / run.requests.total);
      }
  for (const server of Object.values(servers)) server.process.kill('SIGTERM');
  await close();
  const of = (key: string) => median(results[key]!);
  return table(
    ['database', 'request', 'bare req/s', 'RustBill req/s', 'ratio', 'bare p99 ms', 'RustBill p99 ms', 'ratio of CPU'],
    Object.keys(kinds).map((kind) => {
      const [bare, own] = [of(`${kind} bare`), of(`${kind} rustbill`)];
      const cpu = ratio(of(`${kind} bare cpu`), of(`${kind} rustbill cpu`));
      const p99 = [of(`${kind} bare p99`), of(`${kind} rustbill p99`)];
      return [name, kind, Math.round(bare), Math.round(own), ratio(own, bare), ...p99, cpu];
    }),
  );
}

/** CPU time of the server process: what a request costs whatever else the machine is doing. Linux only. */
function cpuSeconds(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Licences of a hundred customers, each with a device; the first ones signed. */
async function prepare(url: string): Promise<Bodies> {
  const runtime = await benchRuntime(url);
  const at = runtime.clock.now();
  const stamps = { created_at: at, updated_at: at };
  const id = () => runtime.newIdAt(at);
  const product = id();
  const customers = Array.from({ length: 100 }, id);
  const common = { name: 'Acme Corp', tier: 'starter', metadata: '{}', version: 1, ...stamps };
  const licenses = Array.from({ length: LICENSES }, (_, n) => ({
    ...{ id: id(), license_key: `BENCH-${n}`, customer_id: customers[n % 100], product_id: product, status: 'active' },
    ...{ features: '{"pro":true,"max_users":50}', max_activations: 5, current_activations: 1, activated_at: at },
    ...{ expires_at: '2099-01-01T00:00:00.000Z', seq: 0, ...stamps },
  }));
  const devices = licenses.map((license) => ({
    ...{ id: id(), license_id: license.id, device_id: 'workstation-14', activated_at: at, last_seen_at: at },
  }));
  const files = await inTransaction(runtime, { actor: { type: 'system', id: null }, action: 'bench' }, async (work) => {
    const { db } = work;
    const saas = { name: 'Pro', product_type: 'licensed', price: 0, currency: 'USD', status: 'active' };
    await insertRows(db, 'products', [{ id: product, ...saas, ...stamps }]);
    const emails = customers.map((one, n) => ({
      id: one,
      email: `b${n}@acme.example`,
      email_key: `b${n}@acme.example`,
    }));
    await insertRows(
      db,
      'customers',
      emails.map((row) => ({ ...row, ...common })),
    );
    await insertRows(db, 'licenses', licenses);
    await insertRows(db, 'license_activations', devices);
    const { key, sealed } = generateSigningKey(runtime.vault, at);
    await insertSigningKey(db, key, sealed);
    const signed: string[] = [];
    for (const license of await listLicenses(db, null, {}, { limit: ASKED, after: undefined })) {
      const { payload, signature } = await signLicense(work, license);
      signed.push(encodeFile(payload, signature));
    }
    return signed;
  });
  await runtime.database.close();
  const asked = licenses.slice(0, ASKED).map((license) => license.license_key);
  return {
    verify: { path: '/api/licenses/verify', bodies: asked.map((licenseKey) => ({ licenseKey })) },
    'verify file': { path: '/api/licenses/verify', bodies: files.map((file) => ({ file })) },
    validate: {
      path: '/api/licenses/validate',
      bodies: asked.map((licenseKey) => ({ licenseKey, deviceId: 'workstation-14' })),
    },
  };
}

async function start(variant: string, url: string): Promise<{ port: number; process: ChildProcess }> {
  const profile = process.env.PROF
    ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROF}`, `--cpu-prof-name=licenses-${variant}.cpuprofile`]
    : [];
  const args = [process.execPath, ...profile, new URL('server.ts', import.meta.url).pathname, variant, url];
  const [file, ...rest] = pinned ? ['taskset', '-c', '0', ...args] : args;
  const child = spawn(file!, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const lines = createInterface({ input: child.stdout! });
  const port = await new Promise<number>((resolve, reject) => {
    lines.once('line', (line) => resolve(Number(line)));
    child.once('exit', (code) => reject(new Error(`${variant} ended with ${code}`)));
  });
  return { port, process: child };
}
