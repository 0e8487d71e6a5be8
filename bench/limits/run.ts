import { BODY_BYTES } from '../../src/platform/http/body.ts';
import { type Op, operations } from '../../test/support/document.ts';
import { worstBodies } from '../../test/support/worst-bodies.ts';
import { openDatabase } from '../support/databases.ts';
import { table } from '../support/stats.ts';
import { type Child, openAccounts, startChild } from './child.ts';

const UNKNOWN_ID = '01JQX5M3K9HZNGVX2Z66Z1C02N';

type Headers = Record<string, string>;
type Accounts = Awaited<ReturnType<typeof openAccounts>>;
type Row = (string | number)[];

/**
 * How long one request can hold the process: the CPU time of the longest turn of its event loop for the worst bodies of each operation, for
 * long queries, headers and lists; and what many at once do to `/health`.
 */
export async function benchLimits(): Promise<string> {
  const { url, close } = await openDatabase('sqlite');
  const child = await startChild(url, { RATE_LIMITS: 'off' });
  const accounts = await openAccounts(child);
  const bodies = await worstRequests(child, accounts);
  const others = [...(await longRequests(child, accounts)), ...(await longLists(child, accounts))];
  const load = [await portalLoad(child, accounts.portal), await wrongLogins(child)];
  child.stop();
  await close();
  const heads = ['what', 'ms', 'answer'];
  return [
    `The ten slowest of ${bodies.count} bodies, of operations that callers with a customer or nobody may call:\n`,
    `${table(heads, bodies.own)}\n\nThe ten slowest of the others:\n\n${table(heads, bodies.others)}\n`,
    `${table(heads, others)}\n\n${table(['load', 'worst ms of /health', 'answers'], load)}`,
  ].join('\n');
}

/** Who may call it without being an admin or a key of the operator. */
const isOpen = ({ auth }: Op): boolean => /^(none|session|key [rw] own)$/.test(auth);

const headersFor = ({ auth }: Op, { admin, portal, key }: Accounts): Headers =>
  auth.startsWith('key') ? key : auth === 'session' ? portal : auth === 'admin' ? admin : {};

async function worstRequests(child: Child, accounts: Accounts) {
  const found: { open: boolean; row: [string, number, number] }[] = [];
  for (const op of operations.filter(({ hasBody }) => hasBody)) {
    const path = op.path.replace(/\{\w+\}/g, UNKNOWN_ID);
    for (const { name, text } of worstBodies(op, op.bodyLimit ?? BODY_BYTES)) {
      const send = () => child.send(op.method, path, text, headersFor(op, accounts));
      const [status, ms] = await quickest(child, send);
      found.push({ open: isOpen(op), row: [`${op.id}: ${name}`, ms, status] });
    }
  }
  const slowest = (open: boolean): Row[] =>
    found
      .filter((one) => one.open === open)
      .map(({ row }) => row)
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, 10);
  return { count: found.length, own: slowest(true), others: slowest(false) };
}

/** The time of the cheapest of three, because the first one compiles; once is enough where it was cheap. */
async function quickest(child: Child, send: () => Promise<{ status: number }>): Promise<[number, number]> {
  let status = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3 && best > 5; i++) {
    const { turnMs } = await child.measure(async () => {
      status = (await send()).status;
    });
    best = Math.min(best, turnMs);
  }
  return [status, Math.round(best * 10) / 10];
}

async function longRequests(child: Child, { portal }: Accounts): Promise<Row[]> {
  const many = (size: number, of: (i: number) => string, by: string) => {
    const parts: string[] = [];
    for (let length = 0; ; parts.push(of(parts.length))) {
      length += of(parts.length).length + by.length;
      if (length > size) return parts.join(by);
    }
  };
  const name = (i: number) => i.toString(36);
  const list = '/api/billing/invoices';
  const cookie = `${portal.cookie}; ${many(14_000, (i) => `${name(i)}=1`, '; ')}`;
  const requests: [string, string, Headers][] = [
    ['query: one parameter thousands of times', `${list}?${many(8000, () => 'a', '&')}`, portal],
    ['query: thousands of parameters', `${list}?${many(8000, name, '&')}`, portal],
    ['query: a long cursor', `${list}?cursor=${'A'.repeat(7900)}`, portal],
    ['query: a long instant', `${list}?from=2026-01-01T00:00:00.${'1'.repeat(7800)}Z`, portal],
    ['path: a long id', `${list}/${'%41'.repeat(2600)}`, portal],
    ['path: thousands of segments', `/api${'/a'.repeat(4000)}`, portal],
    ['header: thousands of cookies', `${list}?limit=1`, { cookie }],
    ['header: a long If-Match', '/api/billing/invoices', { ...portal, 'if-match': `"${'1'.repeat(14_000)}"` }],
  ];
  const rows: Row[] = [];
  for (const [what, path, headers] of requests) {
    const [status, ms] = await quickest(child, () => child.send('GET', path, undefined, headers));
    rows.push([what, ms, status]);
  }
  return rows;
}

/** The longest lists of a portal user whose customer has 300 invoices of ten lines and 12 of five hundred. */
async function longLists(child: Child, { make, customer, portal }: Accounts): Promise<Row[]> {
  const line = { description: 'Consulting', quantity: 1, unitPrice: '10.00' };
  const invoice = (lines: number) => ({
    customerId: customer.id,
    status: 'issued',
    lineItems: Array(lines).fill(line),
  });
  for (let i = 0; i < 300; i++) await make('/api/billing/invoices', invoice(10));
  const list = () => child.send('GET', '/api/billing/invoices?limit=1000', undefined, portal);
  const small = await quickest(child, list);
  for (let i = 0; i < 12; i++) await make('/api/billing/invoices', invoice(500));
  const large = await quickest(child, list);
  return [
    ['list: 300 invoices of 10 lines', small[1], small[0]],
    ['list: 12 invoices of 500 lines, 300 of 10', large[1], large[0]],
  ];
}

/** Four connections of a portal user who sends as much as is read, and `/health` beside them. */
async function portalLoad(child: Child, portal: Headers): Promise<Row> {
  const body = `{${Array.from({ length: 2000 }, (_, i) => `"${i.toString(36)}":1`).join(',')}}`;
  const answers = new Map<number, number>();
  const send = () => child.send('PUT', '/api/auth/password', body.slice(0, BODY_BYTES), portal);
  const worst = await healthBeside(child, 4, send, answers);
  return ['four connections of a portal user', worst, text(answers)];
}

async function healthBeside(
  child: Child,
  connections: number,
  send: () => Promise<{ status: number }>,
  answers: Map<number, number>,
): Promise<number> {
  let over = false;
  const note = (status: number) => answers.set(status, (answers.get(status) ?? 0) + 1);
  const load = Array.from({ length: connections }, async () => {
    while (!over) note((await send()).status);
  });
  const times: number[] = [];
  for (let i = 0; i < 50; i++) times.push((await child.send('GET', '/health')).ms);
  over = true;
  await Promise.all(load);
  return Math.round(Math.max(...times));
}

/** Three hundred wrong passwords at once. */
async function wrongLogins(child: Child): Promise<Row> {
  const answers = new Map<number, number>();
  const body = JSON.stringify({ email: 'nobody@acme.example', password: 'a wrong password' });
  const flood = Array.from({ length: 300 }, async () => {
    const { status } = await child.send('POST', '/api/auth/login', body);
    answers.set(status, (answers.get(status) ?? 0) + 1);
  });
  const started = performance.now();
  const health = await child.send('GET', '/health');
  await Promise.all(flood);
  const all = Math.round(performance.now() - started);
  return [`300 wrong logins at once (${all} ms)`, Math.round(health.ms), text(answers)];
}

const text = (answers: Map<number, number>): string => [...answers].map(([status, n]) => `${n} × ${status}`).join(', ');
