import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { usage } from '../../src/migrations/0011-usage.ts';
import { withColumnTypes } from '../../src/platform/db/columns.ts';
import type { Dialect } from '../../src/platform/db/connect.ts';
import { openTarget } from '../billing-run/raw.ts';
import { cpuSeconds } from '../http/run.ts';
import { ADMIN, benchRuntime } from '../http/setup.ts';
import { type DatabaseName, openDatabase } from '../support/databases.ts';
import { ratio, table } from '../support/stats.ts';

const BATCHES = Number(process.env.BATCHES ?? 60);
const BATCH = 1000;
const WARM_UP = 15;
const SUBSCRIPTIONS = 100;
const pinned = spawnSync('taskset', ['--version']).status === 0;

interface Caller {
  origin: string;
  token: string;
  subscriptions: string[];
}

/** Batches of 1 000 events through HTTP, then the very rows by raw multi-row INSERTs into an equal database. */
export async function benchUsage(name: DatabaseName, clients: number): Promise<(string | number)[]> {
  const { url, close } = await openDatabase(name);
  const server = await start(url);
  const caller = await prepare(server.port);
  await send(caller, 'warm-up', WARM_UP, clients);
  const [started, cpu] = [performance.now(), cpuSeconds(server.process.pid!)];
  await send(caller, 'measured', BATCHES, clients);
  const ownMs = performance.now() - started;
  const cpuMicros = Math.round(((cpuSeconds(server.process.pid!) - cpu) * 1e6) / (BATCHES * BATCH));
  server.process.kill('SIGTERM');
  await new Promise((resolve) => server.process.once('exit', resolve));
  const runtime = await benchRuntime(url);
  const rows = await runtime.database.read('usage_events').where('idempotency_key', 'like', 'measured%').orderBy('id');
  if (rows.length !== BATCHES * BATCH) throw new Error(`${rows.length} events were stored.`);
  await runtime.database.write.raw('drop table usage_events');
  for (const statement of emptyTable(runtime.database.dialect)) await runtime.database.write.raw(statement);
  await runtime.database.close();
  const rawMs = await raw(url, rows, clients);
  await close();
  const [own, bare] = [ownMs, rawMs].map((ms) => Math.round((rows.length / ms) * 1000));
  return [name, clients, own!, Math.round((ownMs * 1000) / rows.length), cpuMicros, bare!, ratio(own!, bare!)];
}

/** The table of the migration anew: empty, with its checks, indexes and triggers. */
const emptyTable = (dialect: Dialect): string[] =>
  usage.up
    .map((statement) => (typeof statement === 'string' ? statement : (statement[dialect] ?? '')))
    .filter((statement) => statement.startsWith('CREATE'))
    .map((statement) => withColumnTypes(statement, dialect));

/** As many connections as there were clients; SQLite has one writer. */
async function raw(url: string, rows: Record<string, unknown>[], clients: number): Promise<number> {
  const parts = url.startsWith('sqlite:') ? 1 : clients;
  const size = Math.ceil(rows.length / parts);
  const started = performance.now();
  await Promise.all(
    Array.from({ length: parts }, async (_, n) => {
      const part = rows.slice(n * size, (n + 1) * size);
      const target = await openTarget(url);
      for (let i = 0; i < part.length; i += BATCH)
        await target.insert([{ table: 'usage_events', rows: part.slice(i, i + BATCH) }]);
      await target.close();
    }),
  );
  return performance.now() - started;
}

/** `count` batches, by so many clients at once that each wait for their answer. */
async function send(caller: Caller, kind: string, count: number, clients: number): Promise<void> {
  let next = 0;
  const client = async () => {
    for (let batch = next++; batch < count; batch = next++)
      await post(caller, '/api/billing/usage', events(caller, kind, batch));
  };
  await Promise.all(Array.from({ length: clients }, client));
}

const events = ({ subscriptions }: Caller, kind: string, batch: number): object[] =>
  Array.from({ length: BATCH }, (_, n) => ({
    subscriptionId: subscriptions[(batch * 7 + n) % subscriptions.length],
    metricName: 'api_calls',
    value: String((n % 50) + 1),
    idempotencyKey: `${kind}/gateway-7/${batch}/${n}`,
    properties: { region: 'eu-west', userId: `user-${n % 200}` },
  }));

async function post({ origin, token }: Caller, path: string, body: unknown): Promise<{ id: string }> {
  const headers = { 'content-type': 'application/json', cookie: `session=${token}` };
  const answer = await fetch(`${origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { id: string };
}

/** One usage plan, and customers with a subscription of it, made through the API. */
async function prepare(port: number): Promise<Caller> {
  const origin = `http://127.0.0.1:${port}`;
  const headers = { 'content-type': 'application/json' };
  const login = await fetch(`${origin}/api/auth/login`, { method: 'POST', headers, body: JSON.stringify(ADMIN) });
  const token = /session=([^;]+)/.exec(login.headers.get('set-cookie') ?? '')![1]!;
  const caller: Caller = { origin, token, subscriptions: [] };
  const product = await post(caller, '/api/products', { name: 'API', productType: 'api', price: '0' });
  const plan = await post(caller, '/api/billing/plans', {
    productId: product.id,
    name: 'API',
    pricingModel: 'usage_based',
    billingCycle: 'monthly',
    basePrice: '0',
    unitPrice: '0.001',
    usageMetric: { name: 'api_calls', aggregation: 'sum' },
  });
  for (let n = 0; n < SUBSCRIPTIONS; n++) {
    const customer = await post(caller, '/api/customers', { name: 'Acme', email: `billing-${n}@acme.example` });
    const sold = { customerId: customer.id, planId: plan.id, billingCycle: 'monthly' };
    caller.subscriptions.push((await post(caller, '/api/billing/subscriptions', sold)).id);
  }
  return caller;
}

async function start(url: string): Promise<{ port: number; process: ChildProcess }> {
  const profile = process.env.PROF ? ['--cpu-prof', '--cpu-prof-name=usage.cpuprofile'] : [];
  const script = new URL('../http/server.ts', import.meta.url).pathname;
  const args = [process.execPath, ...profile, script, 'rustbill', url];
  const [file, ...rest] = pinned ? ['taskset', '-c', '0', ...args] : args;
  const child = spawn(file!, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const lines = createInterface({ input: child.stdout! });
  const port = await new Promise<number>((resolve, reject) => {
    lines.once('line', (line) => resolve(Number(line)));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { port, process: child };
}

export async function usageTable(names: DatabaseName[]): Promise<string> {
  const rows: (string | number)[][] = [];
  for (const name of names) for (const clients of [1, 4]) rows.push(await benchUsage(name, clients));
  return table(
    ['database', 'clients', 'events/s', 'µs per event', 'server CPU µs', 'raw rows/s', 'ratio to raw INSERTs'],
    rows,
  );
}

if (import.meta.main) {
  const names = (process.env.DATABASES ?? 'sqlite,postgres').split(',') as DatabaseName[];
  process.stdout.write(`${await usageTable(names)}\n`);
}
