import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, startApp, type TestApp } from '../../support/app.ts';
import { raw } from '../../support/raw.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** The path of the next page; undefined on the last one. */
function nextOf(headers: Record<string, string>): string | undefined {
  if (headers.link === undefined) return undefined;
  const next = /^<(\/[^>]+)>; rel="next"$/.exec(headers.link)?.[1];
  if (!next) throw new Error(`Link is ${headers.link}`);
  return next;
}

/** Every id from page to page; `between` runs after each page. */
async function walk(api: Api, path: string, between: () => Promise<unknown> = async () => {}): Promise<string[]> {
  const ids: string[] = [];
  for (let next: string | undefined = path; next; ) {
    const { status, body, headers } = await api.get(next);
    expect([next, status]).toEqual([next, 200]);
    ids.push(...body.map(({ id }: { id: string }) => id));
    next = nextOf(headers);
    if (next) await between();
  }
  return ids;
}

let regions = 0;
const KINDS: [list: string, make: () => Promise<unknown>][] = [
  ['/api/products', () => app.given.product()],
  ['/api/customers', () => app.given.customer()],
  ['/api/users', () => app.given.user({ password: undefined })],
  ['/api/api-keys', () => app.given.apiKey()],
  ['/api/billing/plans', () => app.given.plan()],
  ['/api/billing/tax-rules', () => app.given.taxRule({ region: `R${++regions}` })],
  ['/api/billing/subscriptions', () => app.given.subscription()],
  ['/api/billing/invoices', () => app.given.invoice()],
  ['/api/billing/payments', paid],
  ['/api/billing/events', () => app.given.invoice().then(() => app.drain())],
];

async function paid(): Promise<void> {
  const { id: invoiceId } = await app.given.invoice();
  await app.api.post('/api/billing/payments', { invoiceId, amount: '1.00', paymentMethod: 'check' });
}

describe.each(KINDS)('%s', (list, make) => {
  test('no row twice and none lost while rows come in', async () => {
    for (let i = 0; i < 7; i++) await make();
    const all: string[] = (await app.api.get(`${list}?limit=1000`)).body.map(({ id }: { id: string }) => id);
    expect(all.length).toBeGreaterThanOrEqual(7);
    expect(await walk(app.api, `${list}?limit=2`, make)).toEqual(all);
    const later = await walk(app.api, `${list}?limit=3`);
    expect(later.length).toBeGreaterThan(all.length);
    expect(later.slice(-all.length)).toEqual(all);
  });

  test('newest first, and no Link on the last page, also when it is full', async () => {
    const ids = await walk(app.api, `${list}?limit=1000`);
    if (!list.endsWith('events')) expect(ids).toEqual(ids.toSorted().toReversed());
    const exact = await app.api.get(`${list}?limit=${ids.length}`);
    expect([exact.body.length, exact.headers.link]).toEqual([ids.length, undefined]);
    const short = await app.api.get(`${list}?limit=${ids.length - 1}`);
    expect([short.body.length, typeof short.headers.link]).toEqual([ids.length - 1, 'string']);
  });
});

describe('Link', () => {
  test('keeps the filters and the surface', async () => {
    const customer = await app.given.customer();
    for (let i = 0; i < 5; i++) await app.given.invoice({ customerId: customer.id });
    await app.given.invoice();
    const query = `limit=2&customerId=${customer.id}&from=${encodeURIComponent('2026-01-01T00:00:00+01:00')}`;
    const key = app.withKey((await app.given.apiKey()).key);
    for (const [api, list] of [
      [app.api, '/api/billing/invoices'],
      [key, '/api/v1/billing/invoices'],
    ] as const) {
      const { headers } = await api.get(`${list}?${query}`);
      const next = new URL(nextOf(headers)!, 'http://localhost');
      expect(next.pathname).toBe(list);
      expect(next.searchParams.get('from')).toBe('2026-01-01T00:00:00+01:00');
      expect(await walk(api, `${list}?${query}`)).toHaveLength(5);
    }
  });

  test('stands on HEAD as well', async () => {
    const headers = { Cookie: `session=${app.admin.token}` };
    const head = await raw(app, '/api/products?limit=1', { method: 'HEAD', headers });
    expect(nextOf(head.headers)).toBe(nextOf((await app.api.get('/api/products?limit=1')).headers));
  });

  test('limit is 100 by default', async () => {
    for (let i = 0; i < 101; i += 10)
      await Promise.all(Array.from({ length: 10 }, () => app.given.customer({ company: 'Many' })));
    const first = await app.api.get('/api/customers');
    expect([first.body.length, typeof first.headers.link]).toEqual([100, 'string']);
  });

  test('events after an event: oldest first, to the end, and on from there', async () => {
    await app.drain();
    const all = await walk(app.api, '/api/billing/events?limit=1000');
    const start = all.at(-1)!;
    expect(await walk(app.api, `/api/billing/events?limit=2&after=${start}`)).toEqual(all.slice(0, -1).toReversed());
    const last = await app.api.get(`/api/billing/events?after=${all[0]}`);
    expect([last.body, last.headers.link]).toEqual([[], undefined]);
  });
});

test('two customers never meet on a page', async () => {
  const [mine, other] = [await app.given.customer(), await app.given.customer()];
  for (let i = 0; i < 6; i++) await app.given.invoice({ customerId: (i % 2 ? mine : other).id });
  const own = app.withKey((await app.given.apiKey({ customerId: mine.id })).key);
  expect(await walk(own, '/api/v1/billing/invoices?limit=1')).toHaveLength(3);
  const { headers } = await app.api.get(`/api/billing/invoices?limit=1&customerId=${other.id}`);
  const cursor = /cursor=([^&>]+)/.exec(headers.link!)![1];
  const stolen = await own.get(`/api/v1/billing/invoices?cursor=${cursor}`);
  for (const { customerId } of stolen.body) expect(customerId).toBe(mine.id);
});
