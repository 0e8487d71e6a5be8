import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PAGE_BYTES, type PageRequest, readPage, readRows } from '../../../src/platform/http/pagination.ts';
import { startApp, type TestApp } from '../../support/app.ts';

describe('reading a page', () => {
  interface Row {
    key: string;
    text: string;
  }
  const table = (sizes: number[]): Row[] =>
    sizes.map((size, i) => ({ key: String(i).padStart(6, '0'), text: 'x'.repeat(size) }));
  /** The sizes of the steps, and what they read. */
  const readerOf = (all: Row[], steps: number[] = []) => ({
    keyOf: ({ key }: Row) => key,
    isKey: (key: string) => /^\d{6}$/.test(key),
    read: async ({ limit, after }: PageRequest) => {
      steps.push(limit);
      return all.filter(({ key }) => after === undefined || key > after).slice(0, limit + 1);
    },
  });

  test('goes in steps of a hundred, and asks no further than it must', async () => {
    const all = table(Array(450).fill(10));
    for (const [limit, expected] of [
      [1000, [100, 100, 100, 100, 100]],
      [250, [100, 100, 50]],
      [100, [100]],
      [1, [1]],
    ] as const) {
      const steps: number[] = [];
      const { rows, more } = await readRows({ limit, after: undefined }, readerOf(all, steps));
      expect([rows, more, steps]).toEqual([all.slice(0, limit), limit < 450, expected]);
    }
    const steps: number[] = [];
    const exact = await readRows({ limit: 1000, after: '000349' }, readerOf(all, steps));
    expect([exact.rows.length, exact.more, steps]).toEqual([100, false, [100]]);
  });

  test.each([
    ['large ones', Array(300).fill(100_000)],
    ['one larger than a page', [10, 5 * PAGE_BYTES, 10, 10]],
    ['a page that is full with the last row', [PAGE_BYTES - 20, 100]],
    ['large ones among small ones', Array.from({ length: 400 }, (_, i) => (i % 50 ? 10 : 900_000))],
    ['none', []],
  ])('ends early by bytes; nothing is lost, nothing doubled: %s', async (_, sizes) => {
    const all = table(sizes);
    const seen: Row[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: 1000, ...(cursor === undefined ? {} : { cursor }) };
      const page = await readPage('test', query, readerOf(all));
      const bytes = page.rows.reduce((sum, { text }) => sum + text.length, 0);
      expect(bytes - (page.rows.at(-1)?.text.length ?? 0)).toBeLessThan(PAGE_BYTES);
      seen.push(...page.rows);
      cursor = page.next?.value;
      if (cursor !== undefined) expect(page.rows.length).toBeGreaterThan(0);
    } while (cursor !== undefined);
    expect(seen).toEqual(all);
  });
});

describe('a list whose rows are large', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
  });
  afterAll(() => app.close());

  /** The ids of every page, and the bytes of each. */
  async function walk(path: string) {
    const [ids, bytes]: [string[], number[]] = [[], []];
    for (let next: string | undefined = path; next !== undefined; ) {
      const { body, text, headers, status } = await app.api.get(next);
      expect(status).toBe(200);
      ids.push(...body.map(({ id }: { id: string }) => id));
      bytes.push(Buffer.byteLength(text));
      next = /^<(\/[^>]+)>; rel="next"$/.exec(headers.link ?? '')?.[1];
    }
    return { ids, bytes };
  }

  test('200 customers with the largest metadata: pages end at about 4 MB', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`key ${i}`, 'ä'.repeat(500)]));
    const made: string[] = [];
    for (let i = 0; i < 100; i++) made.push((await app.given.customer({ metadata })).id);
    const { ids, bytes } = await walk('/api/customers?limit=1000');
    expect(ids).toEqual(made.toReversed());
    expect(bytes).toHaveLength(2);
    expect(bytes[0]! / PAGE_BYTES).toBeCloseTo(1, 0);
    expect((await app.api.get('/api/customers?limit=10')).body).toHaveLength(10);
  });

  test('200 invoices of 500 lines: pages end at about 4 MB, before the lines are loaded', async () => {
    const lineItems = Array(500).fill({ description: 'x'.repeat(500), quantity: 1, unitPrice: '1.00' });
    const { id: customerId } = await app.given.customer();
    const made: string[] = [];
    for (let i = 0; i < 12; i++) made.push((await app.given.invoice({ customerId, lineItems })).id);
    const key = app.withKey((await app.given.apiKey()).key);
    const { ids, bytes } = await walk('/api/billing/invoices?limit=1000');
    expect(ids).toEqual(made.toReversed());
    expect(bytes).toHaveLength(2);
    expect(bytes[0]! / PAGE_BYTES).toBeCloseTo(1, 0);
    expect((await key.get('/api/v1/billing/invoices')).body).toHaveLength(
      (await app.api.get('/api/billing/invoices')).body.length,
    );
  });
});
