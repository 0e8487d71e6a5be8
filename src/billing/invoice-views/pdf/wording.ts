import type { BillTo } from '../../../customers/billing-customers.ts';
import { type Instant, utcDate } from '../../../platform/calendar.ts';
import { type Decimal, formatDecimal } from '../../../platform/decimal.ts';
import { exponentOf, formatMoney } from '../../../platform/money.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const countries = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'code' });

/** Countries that write the postal code after the town even without a state. */
const CITY_FIRST = new Set(['AU', 'CA', 'GB', 'IE', 'IN', 'NZ', 'US']);

/** 1234567.89 -> 1,234,567.89. */
const grouped = (text: string): string => {
  const [whole = '', fraction] = text.split('.');
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? thousands : `${thousands}.${fraction}`;
};

/** Minor units in the decimals of the currency, without its code. */
export const amountText = (minor: bigint, currency: string): string => grouped(formatMoney(minor, currency));

/** With the code before it: USD 49.99. */
export const moneyText = (minor: bigint, currency: string): string => `${currency} ${amountText(minor, currency)}`;

export const quantityText = (quantity: Decimal): string => grouped(formatDecimal(quantity));

/** At least the decimals of the currency. */
export const unitPriceText = (price: Decimal, currency: string): string =>
  grouped(formatDecimal(price, exponentOf(currency)));

/** 0.0725 -> 7.25%. */
export const rateText = ({ coefficient, scale }: Decimal): string =>
  `${formatDecimal({ coefficient: scale >= 2 ? coefficient : coefficient * 10n ** BigInt(2 - scale), scale: Math.max(0, scale - 2) })}%`;

/** The UTC date: 15 Mar 2026. */
export function dateText(instant: Instant): string {
  const [year, month, day] = utcDate(instant).split('-');
  return `${Number(day)} ${MONTHS[Number(month) - 1]} ${year}`;
}

/** The lines of a postal address; an ISO 3166 code as the country's English name. */
export function addressLines(to: Omit<BillTo, 'name' | 'company' | 'email' | 'taxId'>): string[] {
  const cityFirst = to.state !== null || CITY_FIRST.has(to.country ?? '');
  const place = cityFirst
    ? [to.city, [to.state, to.zip].filter(Boolean).join(' ')].filter(Boolean).join(', ')
    : [to.zip, to.city].filter(Boolean).join(' ');
  const country = to.country && /^[A-Z]{2}$/.test(to.country) ? countries.of(to.country) : to.country;
  return [to.address, place, country].filter((line): line is string => Boolean(line));
}
