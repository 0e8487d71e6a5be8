import { UNKNOWN_ID } from './refusals.ts';

const AMOUNTS = [
  '1.005',
  '1e3',
  '-1',
  '0',
  '0.00',
  '-0',
  '1.',
  '.5',
  '01',
  '+1',
  '1,5',
  '١',
  'NaN',
  'Infinity',
  '0x10',
];
const LARGE = ['999999999999', '999999999999.99', '999999999999.999999999999', '9999999999999', '1.0000000000001'];
const DATES = [
  '2026-02-30',
  '0000-01-01',
  '1969-12-31',
  '1970-01-01',
  '9999-12-31',
  '10000-01-01',
  '2026-1-1',
  'today',
];
const INSTANTS = [
  ...['2026-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59-23:59', '1970-01-01T00:00:00+23:59'],
  ...['0001-01-01T00:00:00Z', '1969-12-31T23:59:59Z', '2026-02-30T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01'],
  ...['8999-12-31T00:00:00Z', '9999-12-01T00:00:00Z', '2026-06-30T23:59:60Z', '2026-01-01T00:00:00.000000000001Z'],
];
const TEXTS = [
  ...['', ' ', '\n', 'x'.repeat(256), 'x'.repeat(6000), '🚀', '🚀'.repeat(300), '\u202Eabc', 'é', 'e\u0301', 'İ', 'ß'],
  ...[
    '\u0000',
    'a\u0000b',
    '\u001b[31m',
    '\ud800',
    '\udfff\ud83d',
    '\ufeff',
    "'; DROP TABLE users; --",
    '%',
    '_',
    '\\',
  ],
  ...['null', 'true', '[]', '{}', '../..', '<b>', '=1+1', '$(id)', 'toString', '__proto__', '"', '\u2028'],
];
const IDS = [
  UNKNOWN_ID,
  UNKNOWN_ID.toLowerCase(),
  '7ZZZZZZZZZZZZZZZZZZZZZZZZZ',
  '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
  `evt_${UNKNOWN_ID}`,
];
const WORDS = [
  ...['USD', 'EUR', 'JPY', 'KWD', 'XXX', 'XAU', 'AAA', 'usd', 'US', 'ZZ', 'id', 'a@b', 'a@b.example', 'A@B.EXAMPLE'],
  ...['monthly', 'quarterly', 'yearly', 'active', 'paused', 'canceled', 'issued', 'paid', 'void', 'draft', 'archived'],
  ...['admin', 'customer', 'stripe', 'check', 'flat', 'per_unit', 'tiered', 'usage_based', 'volume', 'sum', 'unique'],
];

/** Texts that have broken somebody's server before. */
export const BAD_TEXTS: string[] = [...AMOUNTS, ...LARGE, ...DATES, ...INSTANTS, ...TEXTS, ...IDS, ...WORDS];

const NUMBERS = [
  ...[
    0,
    -1,
    1,
    2,
    1.5,
    0.1,
    0.00001,
    5e-324,
    1e-7,
    12,
    365,
    366,
    1000,
    999_999_999,
    1_000_000_000,
    2 ** 31 - 1,
    2 ** 31,
  ],
  ...[2 ** 53, 2 ** 53 + 2, 2 ** 63, 1e21, 1e308, -1e308, -(2 ** 31) - 1],
];
const THINGS = [
  ...[null, true, false, [], [null], [[]], [{}], {}, { a: 1 }, { length: -1 }, { toString: 1 }, { ['__proto__']: 1 }],
  Array.from({ length: 501 }, (_, i) => i),
  Array.from({ length: 11 }, () => 1),
  Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`key${i}`, i])),
  { ['k'.repeat(65)]: 'v', '': 1, ' ': 2 },
  { deep: { deeper: { deepest: [] } } },
];

/** Values of every JSON type, for a place that wants another one. */
export const BAD_VALUES: unknown[] = [...BAD_TEXTS, ...NUMBERS, ...THINGS];
