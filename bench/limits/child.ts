import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { ADMIN } from '../http/setup.ts';

export interface Measured {
  /** CPU time of the main thread in the longest turn of the event loop: nobody else was served meanwhile. */
  turnMs: number;
}

export interface Sent {
  status: number;
  text: string;
  headers: Headers;
  ms: number;
}

export interface Child {
  send(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Sent>;
  measure(run: () => Promise<unknown>): Promise<Measured>;
  stop(): void;
}

/** A server in a process of its own that measures itself. */
export async function startChild(url: string, env: Record<string, string> = {}): Promise<Child> {
  const process_ = fork(new URL('./server.ts', import.meta.url), [url], { env: { ...process.env, ...env } });
  const [{ port }] = (await once(process_, 'message')) as [{ port: number }];
  return {
    async send(method, path, body, headers = {}) {
      const started = performance.now();
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.text();
      return { status: answer.status, text, headers: answer.headers, ms: performance.now() - started };
    },
    async measure(run) {
      await ask(process_, 'start');
      await run();
      return (await ask(process_, 'stop')) as Measured;
    },
    stop: () => process_.disconnect(),
  };
}

async function ask(child: ChildProcess, word: string): Promise<unknown> {
  child.send(word);
  return (await once(child, 'message'))[0];
}

/** Sessions of the first admin and of a portal user, and a key of the portal user's customer. */
export async function openAccounts(child: Child) {
  const login = async (body: object) => {
    const { headers } = await child.send('POST', '/api/auth/login', JSON.stringify(body));
    return { cookie: `session=${/session=([^;]+)/.exec(headers.get('set-cookie') ?? '')![1]}` };
  };
  const admin = await login(ADMIN);
  const make = async (path: string, body: object) => {
    const answer = await child.send('POST', path, JSON.stringify(body), admin);
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`);
    return JSON.parse(answer.text);
  };
  const customer = await make('/api/customers', { name: 'Acme Corp', email: 'billing@acme.example' });
  const user = { email: 'portal@acme.example', password: 'a password of the portal' };
  await make('/api/users', { ...user, name: 'Portal', role: 'customer', customerId: customer.id });
  const { key } = await make('/api/api-keys', { name: 'Own', access: 'write', customerId: customer.id });
  return { admin, make, customer, portal: await login(user), key: { authorization: `Bearer ${key}` } };
}
