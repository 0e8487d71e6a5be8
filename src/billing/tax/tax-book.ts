import type { DateOnly } from '../../platform/calendar.ts';
import { Unprepared } from '../../platform/retry.ts';
import type { Work } from '../../platform/work.ts';
import type { TaxProvider } from '../../providers/list.ts';
import type { Question } from '../../providers/tax.ts';
import { enabledTaxProvider } from '../../settings/provider-store.ts';
import { resolveTaxRule, type TaxInput, type TaxPlace, type TaxRule, taxOfRule } from '../pricing/tax.ts';
import { fetchQuotes } from './fetch.ts';
import { keyOf, type Quote, questionOf, taxOfQuote } from './quote.ts';
import { loadQuotes } from './store.ts';

/** The taxes of one unit of work. The provider and its quotes are read at the first place that no rule answers. */
export interface TaxBook {
  readonly work: Work;
  /** The rules in force on the UTC date of `now` or later (rules V2). */
  readonly rules: readonly TaxRule[];
  provider?: TaxProvider | null;
  readonly quotes: Map<string, Quote>;
}

export const openTaxBook = (work: Work, rules: readonly TaxRule[]): TaxBook => ({ work, rules, quotes: new Map() });

/** What is taxed where, and the UTC day whose rule holds (rules V2). */
export interface Taxed {
  readonly place: TaxPlace;
  readonly on: DateOnly;
}

/** What must be asked before a tax is known. */
export interface Missing {
  readonly provider: TaxProvider;
  readonly question: Question;
}

/** The tax of a place: by rule, else by the quote of the external provider, else none (null); or what must be asked first. */
export async function lookUpTaxes(book: TaxBook, taxed: readonly Taxed[]): Promise<(TaxInput | null | Missing)[]> {
  const ruled = taxed.map(({ place, on }) => resolveTaxRule(book.rules, place, on));
  const questions = taxed.map(({ place }, i) => (ruled[i] ? undefined : questionOf(place)));
  const asked = questions.filter((question) => question !== undefined);
  const provider = asked.length > 0 ? await openQuotes(book, asked) : null;
  return ruled.map((rule, i) => {
    const question = questions[i];
    if (rule) return taxOfRule(rule);
    if (!question || provider === null) return null;
    const quote = book.quotes.get(keyOf(question));
    return quote ? taxOfQuote(quote) : { provider, question };
  });
}

export const isMissing = (found: TaxInput | null | Missing): found is Missing => found !== null && 'question' in found;

/** As lookUpTaxes. Throws Unprepared when something must be asked first: the whole work is then done again. */
export async function taxesOf(book: TaxBook, taxed: readonly Taxed[]): Promise<(TaxInput | null)[]> {
  const found = await lookUpTaxes(book, taxed);
  const missing = found.filter(isMissing);
  if (missing.length > 0) throw unprepared(book, missing);
  return found as (TaxInput | null)[];
}

function unprepared({ work: { runtime } }: TaxBook, missing: readonly Missing[]): Unprepared {
  return new Unprepared(async () => {
    const failures = await fetchQuotes(
      runtime,
      missing[0]!.provider,
      missing.map(({ question }) => question),
    );
    for (const failure of failures.values()) throw failure;
  });
}

async function openQuotes(book: TaxBook, questions: Question[]): Promise<TaxProvider | null> {
  const { work, quotes } = book;
  if (book.provider === undefined) book.provider = await enabledTaxProvider(work.db);
  const unknown = questions.filter((question) => !quotes.has(keyOf(question)));
  if (book.provider !== null && unknown.length > 0)
    for (const [key, quote] of await loadQuotes(work.db, book.provider, unknown, work.now)) quotes.set(key, quote);
  return book.provider;
}
