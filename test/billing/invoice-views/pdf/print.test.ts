import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadPaper } from '../../../../src/billing/invoice-views/pdf/load.ts';
import { printInvoice } from '../../../../src/billing/invoice-views/pdf/print.ts';
import { findInvoice } from '../../../../src/billing/invoices/store.ts';
import { boundedBy } from '../../../../src/platform/bounds.ts';
import { startApp, type TestApp } from '../../../support/app.ts';
import { readPdf } from '../../../support/pdf.ts';
import { expectRefusal } from '../../../support/refusals.ts';
import { sourceFiles } from '../../../support/source.ts';
import { pay } from '../../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const ARABIC =
  'اشتراك خدمة الفوترة السحابية للشركات الصغيرة والمتوسطة مع الدعم الفني على مدار الساعة وتقارير شهرية مفصلة ';
const long = (first: string) =>
  app.given.invoice({
    lineItems: Array.from({ length: 100 }, (_, i) => ({
      description: `${first} ${i} ${ARABIC.repeat(4)}`,
      quantity: 1,
      unitPrice: '1',
    })),
  });
const get = (id: string) => app.api.get(`/api/billing/invoices/${id}/pdf`);
const print = async (id: string) => {
  const { database, config } = app.runtime;
  const invoice = await findInvoice(database.read, null, id);
  return printInvoice(app.runtime, await loadPaper(database.read, config, invoice!));
};

describe('printing', () => {
  test('200 to five invoices of 100 long Arabic lines at once, and to others meanwhile', async () => {
    const ids = [];
    for (const first of ['أ', 'ب', 'ج', 'د', 'ه']) ids.push((await long(first)).id as string);
    const answers = Promise.all(ids.map(get));
    expect((await app.anonymous.get('/health')).status).toBe(200);
    expect((await answers).map(({ status }) => status)).toEqual(ids.map(() => 200));
    for (const { body } of await answers) expect(readPdf(body).pages.length).toBeGreaterThan(5);
  });

  test('a reader who leaves ends it for himself only; with the last reader it ends', async () => {
    const { id } = await long('و');
    const [one, two] = [new AbortController(), new AbortController()];
    const leaving = boundedBy(one.signal, () => print(id));
    const staying = boundedBy(two.signal, () => print(id));
    one.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    expect(
      Buffer.from(await staying)
        .subarray(0, 5)
        .toString(),
    ).toBe('%PDF-');
    const other = await long('ز');
    const alone = new AbortController();
    const last = boundedBy(alone.signal, () => print(other.id));
    alone.abort(new Error('gone too'));
    await expect(last).rejects.toThrow('gone too');
    const small = await app.given.invoice();
    expect((await get(small.id)).status).toBe(200);
  });

  test('what was printed is kept as long as nothing on it changes; 503 when nothing can be printed', async () => {
    const { id } = await app.given.invoice();
    const first = await get(id);
    await Promise.all(app.runtime.atClose.map((close) => close()));
    expect((await get(id)).body).toEqual(first.body);
    await pay(app, id, '40.00');
    const refused = await get(id);
    expectRefusal(refused, 503, 'service_unavailable');
    expect(refused.headers['retry-after']).toBe('5');
  });

  test('the process itself draws nothing', () => {
    const files = new Map(sourceFiles().map((file) => [file.path, file]));
    const reached = new Set(['src/main.ts']);
    for (const path of reached) for (const next of files.get(path)?.runtimeImports ?? []) reached.add(next);
    expect(reached).toContain('src/billing/invoice-views/pdf/print.ts');
    expect([...reached].filter((path) => path === 'pdfkit' || path === 'fontkit')).toEqual([]);
  });
});
