import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { type DatabaseName, openDatabase } from '../support/databases.ts';
import { median, ratio, table } from '../support/stats.ts';
import { ADMIN, benchRuntime, createApp } from './setup.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 4);
const CONNECTIONS = 32;
/** Only one kind of request, for a profile: `ONLY=GET PROF=1`. */
const KINDS = process.env.ONLY ? [process.env.ONLY] : ['GET', 'POST'];
const pinned = spawnSync('taskset', ['--version']).status === 0;

/** The whole pipeline against bare Express with the plain driver and the same SQL; alternating rounds, medians. */
export async function benchHttp(name: DatabaseName): Promise<string> {
  const { url, close } = await openDatabase(name);
  const { token, paymentId } = await prepare(url);
  const servers = { bare: await start('bare', url), rustbill: await start('rustbill', url) };
  const results: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++)
    for (const [variant, server] of Object.entries(servers))
      for (const [what, load] of Object.entries(loads(server.port, token, paymentId))) {
        if (!KINDS.includes(what)) continue;
        const key = `${what} ${variant}`;
        const before = cpuSeconds(server.process.pid!);
        const { requests, non2xx } = await autocannon({ ...load, connections: CONNECTIONS, duration: SECONDS });
        if (non2xx > 0) throw new Error(`${key}: ${non2xx} requests failed`);
        results[key] = [...(results[key] ?? []), requests.average];
        const cpu = ((cpuSeconds(server.process.pid!) - before) * 1e6) / requests.total;
        results[`${key} cpu`] = [...(results[`${key} cpu`] ?? []), cpu];
      }
  for (const server of Object.values(servers)) server.process.kill('SIGTERM');
  await close();
  return table(
    ['database', 'request', 'bare req/s', 'RustBill req/s', 'ratio', 'bare CPU µs', 'RustBill CPU µs', 'ratio of CPU'],
    KINDS.map((what) => {
      const bare = median(results[`${what} bare`]!);
      const own = median(results[`${what} rustbill`]!);
      const bareCpu = median(results[`${what} bare cpu`]!);
      const ownCpu = median(results[`${what} rustbill cpu`]!);
      const cpu = [Math.round(bareCpu), Math.round(ownCpu), ratio(bareCpu, ownCpu)];
      return [name, what, Math.round(bare), Math.round(own), ratio(own, bare), ...cpu];
    }),
  );
}

/** CPU time of the server process: what a request costs whatever else the machine is doing. Linux only. */
export function cpuSeconds(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const loads = (port: number, token: string, paymentId: string): Record<string, autocannon.Options> => ({
  GET: { url: `http://127.0.0.1:${port}/api/billing/payments/${paymentId}`, headers: { cookie: `session=${token}` } },
  POST: {
    url: `http://127.0.0.1:${port}/api/products`,
    method: 'POST',
    headers: { cookie: `session=${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Pro', productType: 'saas', price: '49.99' }),
  },
});

/** One payment to read, made through the API. */
async function prepare(url: string): Promise<{ token: string; paymentId: string }> {
  const runtime = await benchRuntime(url);
  const app = createApp({ ...runtime, config: { ...runtime.config, rateLimits: false } });
  const server = app.listen(0);
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const login = await fetch(`${origin}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ADMIN),
  });
  const token = /session=([^;]+)/.exec(login.headers.get('set-cookie') ?? '')![1]!;
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${origin}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: `session=${token}` },
      body: JSON.stringify(body),
    });
    if (answer.status !== 201) throw new Error(`${path}: ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const customer = await post('/api/customers', { name: 'Acme Corp', email: 'billing@acme.example' });
  const lineItems = [{ description: 'Consulting', quantity: 1, unitPrice: '100.00' }];
  const invoice = await post('/api/billing/invoices', { customerId: customer.id, status: 'issued', lineItems });
  const payment = { invoiceId: invoice.id, amount: '40.00', paymentMethod: 'bank_transfer', notes: 'first part' };
  const { id: paymentId } = await post('/api/billing/payments', payment);
  server.closeAllConnections();
  server.close();
  await runtime.database.close();
  return { token, paymentId };
}

async function start(variant: string, url: string): Promise<{ port: number; process: ChildProcess }> {
  const command = [
    process.execPath,
    ...(process.env.PROF ? ['--cpu-prof', `--cpu-prof-name=${variant}.cpuprofile`] : []),
  ];
  const args = [...command, new URL('server.ts', import.meta.url).pathname, variant, url];
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

if (import.meta.main)
  for (const name of ['sqlite', 'postgres'] as const) process.stdout.write(`${await benchHttp(name)}\n`);
