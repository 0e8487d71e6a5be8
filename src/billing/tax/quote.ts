import type { Instant } from '../../platform/calendar.ts';
import type { Question, Rate } from '../../providers/tax.ts';
import { type TaxInput, type TaxPlace, taxKey } from '../pricing/tax.ts';

export const QUOTE_DAYS = 90;

/** A rate as it is kept (rules V4). */
export interface Quote extends Rate {
  readonly question: Question;
  readonly provider: string;
  readonly fetchedAt: Instant;
}

/** The question about a place; undefined without a country, about which nobody can be asked (rules V3). */
export function questionOf(place: TaxPlace): Question | undefined {
  const country = taxKey(place.country);
  if (country === null) return undefined;
  const [state, category] = [taxKey(place.state) ?? '', place.category ?? ''];
  if (country !== 'US') return { country, state, zip: '', category };
  const zip = /^(\d{5})(-?\d{4})?$/.exec(place.zip?.trim() ?? '')?.[1];
  if (zip !== undefined) return { country, state, zip, category };
  // written into the state it is the ZIP code all the same: equal regions are equal questions
  const [, name = state, tail = ''] = /^(.*?) *(\d{5})$/.exec(state) ?? [];
  return { country, state: name, zip: tail, category };
}

/** The region of the cache: the state, in the United States with the ZIP code (`CA 94103`). */
export const regionOf = ({ state, zip }: Question): string => `${state} ${zip}`.trim();

export const keyOf = (question: Question): string =>
  JSON.stringify([question.country, regionOf(question), question.category]);

export const taxOfQuote = ({ taxName, rate, provider, fetchedAt }: Quote): TaxInput => ({
  id: null,
  name: taxName,
  rate,
  inclusive: false,
  quote: { provider, fetchedAt },
});
