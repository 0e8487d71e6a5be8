import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { TestApp } from '../support/app.ts';
import { startWorld, take } from '../support/histories.ts';
import { anyHistory } from '../support/history-steps.ts';
import { historyParameters, LONG_MS } from '../support/parameters.ts';
import { readPdf } from '../support/pdf.ts';

const { steps: STEPS, parameters } = historyParameters(4, 40);

interface Listed {
  id: string;
  invoiceNumber: string | null;
  status: string;
}

async function check(app: TestApp, { id, invoiceNumber, status }: Listed): Promise<void> {
  const { body: explained } = await app.api.get(`/api/billing/invoices/${id}/explain`);
  expect(explained).toMatchObject({ invoiceNumber, verified: true });
  const { body: pdf } = await app.api.get(`/api/billing/invoices/${id}/pdf`);
  const text = readPdf(pdf).pages.flat().join('\n');
  expect(text).toContain(invoiceNumber === null ? 'Draft invoice' : `Invoice ${invoiceNumber}`);
  if (status !== 'draft') expect(text).toContain(amountAfter(explained));
}

/** What is due, as the PDF writes it. */
const amountAfter = ({ currency, steps }: { currency: string; steps: { result: string }[] }): string => {
  const [whole, fraction] = steps.at(-1)!.result.split('.');
  const amount = [Number(whole).toLocaleString('en-US'), fraction].filter((part) => part !== undefined).join('.');
  return `Amount due  ${currency} ${amount}`;
};

describe('documents of random histories', () => {
  test(
    'every invoice is explained by what is stored, and its PDF says the same amount due',
    async () => {
      let checked = 0;
      const property = fc.asyncProperty(anyHistory(STEPS), async (history) => {
        const world = await startWorld();
        try {
          for (const step of history) await take(world, step);
          const { body: invoices } = await world.app.api.get('/api/billing/invoices?limit=1000');
          for (const invoice of invoices) await check(world.app, invoice);
          checked += invoices.length;
        } finally {
          await world.app.close();
        }
      });
      await fc.assert(property, parameters);
      expect(checked).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});
