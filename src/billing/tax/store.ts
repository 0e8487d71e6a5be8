import { addDays, type Instant } from '../../platform/calendar.ts';
import { decimal, toDecimal } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import type { Question } from '../../providers/tax.ts';
import { keyOf, QUOTE_DAYS, type Quote, regionOf } from './quote.ts';

const CHUNK = 200;

interface Row {
  country: string;
  region: string;
  product_category: string;
  tax_name: string;
  rate: unknown;
  valid_until: Instant;
}

/** The quotes of a provider that are valid at `now`, by key. */
export async function loadQuotes(
  db: Db,
  provider: string,
  questions: readonly Question[],
  now: Instant,
): Promise<Map<string, Quote>> {
  const quotes = new Map<string, Quote>();
  const wanted = new Map(questions.map((question) => [keyOf(question), question]));
  const all = [...wanted.values()];
  for (let i = 0; i < all.length; i += CHUNK) {
    const chunk = all.slice(i, i + CHUNK);
    const rows = await query<Row>(
      db,
      `select country, region, product_category, tax_name, rate, valid_until from tax_quotes
       where provider = ? and valid_until > ?
         and (${chunk.map(() => '(country = ? and region = ? and product_category = ?)').join(' or ')})`,
      [provider, now, ...chunk.flatMap((question) => [question.country, regionOf(question), question.category])],
    );
    for (const row of rows) {
      const key = JSON.stringify([row.country, row.region, row.product_category]);
      quotes.set(key, fromRow(row, wanted.get(key)!, provider));
    }
  }
  return quotes;
}

const fromRow = (row: Row, question: Question, provider: string): Quote => ({
  question,
  provider,
  taxName: row.tax_name,
  rate: decimal(row.rate),
  fetchedAt: addDays(row.valid_until, -QUOTE_DAYS),
});

/** Keeps a quote for 90 days, in the place of the one before. */
export async function saveQuote(db: Db, { question, provider, taxName, rate, fetchedAt }: Quote): Promise<void> {
  const row = {
    country: question.country,
    region: regionOf(question),
    product_category: question.category,
    provider,
    tax_name: taxName,
    rate: toDecimal(rate),
    valid_until: addDays(fetchedAt, QUOTE_DAYS),
  };
  await db('tax_quotes').insert(row).onConflict(['country', 'region', 'product_category', 'provider']).merge();
}
