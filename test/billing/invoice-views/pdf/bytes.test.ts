import { describe, expect, test } from '@jest/globals';
import type { Paper } from '../../../../src/billing/invoice-views/pdf/paper.ts';
import { drawPaper } from '../../../../src/billing/invoice-views/pdf/render.ts';
import { createThreads } from '../../../../src/platform/threads/threads.ts';
import { readPdf } from '../../../support/pdf.ts';

const paperOf = (description: string): Paper => ({
  ...{ title: 'Invoice INV-1', stamp: null, headline: 'USD 1.00', seller: { name: 'Seller', lines: [] } },
  ...{ billTo: { name: 'Customer', lines: [] }, facts: [], currency: 'USD', totals: [], notes: null, footer: null },
  rows: [{ description, period: null, quantity: '1', unitPrice: '1.00', amount: '1.00' }],
  ...{ country: null, createdAt: '2026-03-15T10:30:00.000Z' },
});

/** Ž is drawn with the Z of the font; the others share glyphs (ำ is drawn with the า of ปลา), or join several. */
const TEXTS = [
  ...[
    'Žižkov',
    'Zoo',
    'Škoda Ž and Z',
    'Zoo\u00a0Z',
    'e\u0301 \u00e9 q\u030c',
    'fi ffi office',
    'Δ \u2206 µ μ - \u2010',
  ],
  ...['Ɛwe: ɛ ɔ, Kɔfi Mɛnsa', '🎉 👍🏽 ❤️ 1️⃣', '東京 A', 'भारत', 'น้ำปลา', 'Հայ', 'A → B ≤ 5'],
];

async function textOf(pdf: Uint8Array): Promise<string> {
  const lines = readPdf(Buffer.from(pdf)).pages.flat();
  return lines[lines.findIndex((line) => line.startsWith('Description')) + 1]!;
}

async function drawInThread(texts: readonly string[]): Promise<Buffer[]> {
  const threads = createThreads<Paper, Uint8Array>({
    module: new URL('../../../../src/billing/invoice-views/pdf/thread.ts', import.meta.url),
    ...{ threads: 1, waiting: 1000, limitMs: 60_000, idleMs: 60_000, memoryMb: 256, busy: '', tooLong: '' },
  });
  try {
    const drawn = await Promise.all(texts.map((text) => threads.run(paperOf(text))));
    return drawn.map((pdf) => Buffer.from(pdf));
  } finally {
    await threads.close();
  }
}

describe('the same words', () => {
  test('give the same bytes in any process, after any other document', async () => {
    const forwards = await drawInThread(TEXTS);
    const backwards = await drawInThread(TEXTS.toReversed());
    for (const [i, text] of TEXTS.entries()) {
      const here = Buffer.from(await drawPaper(paperOf(text)));
      const others = [forwards[i]!, backwards[TEXTS.length - 1 - i]!];
      expect([text, ...others.map((other) => other.equals(here))]).toEqual([text, true, true]);
    }
  });

  test.each(TEXTS)('%s is found and copied as it was written, after the others', async (text) => {
    for (const other of TEXTS) await drawPaper(paperOf(other));
    const [found = ''] = (await textOf(await drawPaper(paperOf(text)))).split('  1  1.00  1.00');
    const apart = (all: string) => all.replaceAll(' ', ''); // where another font begins, the reader of the tests puts spaces
    expect(apart(found)).toBe(apart(text.normalize('NFC')));
  });

  test('one document with Ž and Z tells them apart', async () => {
    expect(await textOf(await drawPaper(paperOf('Ž Z Ž Z')))).toMatch(/^Ž Z Ž Z {2}/);
  });
});
