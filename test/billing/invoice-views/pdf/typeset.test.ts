import { describe, expect, jest, test } from '@jest/globals';
import { faceFor } from '../../../../src/billing/invoice-views/pdf/fonts.ts';
import { createTypesetter, type SetLine } from '../../../../src/billing/invoice-views/pdf/typeset.ts';

const STYLE = { weight: 'regular', size: 10, color: '#000000' } as const;
const shown = ({ runs }: SetLine) => runs.map(({ face, text }) => `${face.name}:${text}`);
const set = (text: string, country: string | null = null) => shown(createTypesetter(country).set(text, STYLE));
const wrap = (text: string, width: number) =>
  createTypesetter(null)
    .wrap(text, STYLE, width)
    .map(({ runs }) => runs.map((run) => run.text).join(''));

describe('faces', () => {
  test.each([
    ['Łódź & Đặng – Ærø', ['regular:Łódź & Đặng – Ærø']],
    ['Σίσυφος Привет', ['regular:Σίσυφος Привет']],
    ['A → B ≤ 5 ✓', ['regular:A ', 'symbols:→', 'regular: B ', 'symbols:≤', 'regular: 5 ', 'symbols:✓']],
    ['ไทย', ['thai:ไทย']],
    ['भारत', ['devanagari:भारत']],
    ['Հայ საქ', ['armenian:Հայ', 'regular: ', 'georgian:საქ']],
  ])('%s is set in fonts that have it', (text, expected) => {
    expect(set(text)).toEqual(expected);
  });

  test('a composed character is one, however it was typed', () => {
    expect(set('e\u0301')).toEqual(['regular:é']);
  });

  test('what no font has is what it is made of, or the replacement character; nothing invisible is printed', () => {
    expect(set('① ᚠ a\u202eb\u00adc\u0007')).toEqual(['regular:1 \ufffd abc']);
    expect(set('ᚠ\u0301\u{10330}')).toEqual(['regular:\ufffd\u0301\ufffd']);
  });

  test('pictures, and letters of Africa, have glyphs', () => {
    expect(set('🎉 👍🏽')).toEqual(['emoji:🎉', 'regular: ', 'emoji:👍🏽']);
    expect(set('👨‍👩‍👧')).toEqual(['emoji:👨‍👩‍👧']);
    expect(set('1️⃣ 🇩🇪 ❤️')).toEqual(['emoji:1️⃣', 'regular: ', 'emoji:🇩🇪', 'regular: ', 'emoji:❤️']);
    expect(set('🏴\u{e0067}\u{e0062}\u{e007f}')).toEqual(['emoji:🏴']);
    const letters = 'ɛ ɔ Ɛ Ɔ ɖ Ɖ ƒ ɣ Ɣ ŋ ʋ ɓ Ɓ ɗ Ɗ ƙ ƴ ǝ ẹ ọ ṣ';
    expect(set(letters)).toEqual([`regular:${letters}`]);
    const [bold] = createTypesetter(null).set(letters, { ...STYLE, weight: 'bold' }).runs;
    expect(bold).toMatchObject({ face: { name: 'bold' }, text: letters });
  });

  test('Chinese, Japanese and Korean by script, then by country, and never in a collection without the character', () => {
    expect(set('東京')).toEqual(['gb1:東京']);
    expect(set('東京', 'JP')).toEqual(['japan1:東京']);
    expect(set('東京', 'TW')).toEqual(['cns1:東京']);
    expect(set('東京タワー')).toEqual(['japan1:東京タワー']);
    expect(set('한국', 'JP')).toEqual(['korea1:한국']);
    expect(set('发票', 'JP')).toEqual(['gb1:发', 'japan1:票']);
    expect(set('ＡＢＣ１２')).toEqual(['regular:ABC12']);
    const { width } = createTypesetter(null).set('東京', STYLE);
    expect(width).toBe(20);
  });
});

describe('right to left', () => {
  test.each([
    ['שלום עולם', ['hebrew:עולם', 'regular: ', 'hebrew:שלום']],
    ['Pro (עברית) plan', ['regular:Pro (', 'hebrew:עברית', 'regular:) plan']],
    ['סך 1,234.50 בלבד', ['hebrew:בלבד', 'regular: ', 'regular:1,234.50', 'regular: ', 'hebrew:סך']],
    ['חשבונית (INV-1)', ['regular:(', 'regular:INV-1', 'regular:) ', 'hebrew:חשבונית']],
    ['شركة النور', ['arabic:النور', 'regular: ', 'arabic:شركة']],
    ['הנחה 50% היום', ['hebrew:היום', 'regular: ', 'regular:50%', 'regular: ', 'hebrew:הנחה']],
    ['עד 2026-03-15', ['regular:2026-03-15', 'regular: ', 'hebrew:עד']],
    ['מחיר $100', ['regular:$100', 'regular: ', 'hebrew:מחיר']],
    ['רישיון ABC-12 (03/2026)', ['regular:ABC-12 (03/2026)', 'regular: ', 'hebrew:רישיון']],
    ['הזמנה (7)', ['regular:(', 'regular:7', 'regular:) ', 'hebrew:הזמנה']],
    ['فاتورة 12/2026', ['regular:12/2026', 'regular: ', 'arabic:فاتورة']],
  ])('%s stands as it is read', (text, expected) => {
    expect(set(text)).toEqual(expected);
  });
});

describe('wrapping', () => {
  test('breaks after spaces and hyphens, keeps line ends, and cuts what is wider than a line', () => {
    expect(wrap('one two three', 40)).toEqual(['one two', 'three']);
    expect(wrap('first\r\n\nthird', 100)).toEqual(['first', '', 'third']);
    expect(wrap('master-agreement', 60)).toEqual(['master-', 'agreement']);
    expect(wrap('W'.repeat(10), 40).join('')).toBe('W'.repeat(10));
    expect(wrap('W'.repeat(10), 40).length).toBeGreaterThan(2);
  });

  test('breaks scripts without spaces between words, never before a full stop', () => {
    expect(wrap('クラウド利用料金です。', 50)).toEqual(['クラウド', '利用料金', 'です。']);
    expect(wrap('บริษัทไทย', 30).length).toBe(2);
  });

  test('a long word is shaped a few times for each of its lines, not once for each of its characters', () => {
    const { font } = faceFor('x', 'regular', 'gb1')!;
    const layout = jest.spyOn(font!, 'layout');
    const lines = wrap('x1'.repeat(250), 100);
    expect(lines.join('')).toBe('x1'.repeat(250));
    expect(layout.mock.calls.length).toBeLessThan(lines.length * 4);
    layout.mockRestore();
  });

  test('a paragraph is looked at a few times, however many lines it has', () => {
    const looked = jest.spyOn(Intl.Segmenter.prototype, 'segment');
    const paragraph = 'شركة النور للتجارة '.repeat(250);
    expect(wrap(paragraph, 250).length).toBeGreaterThan(40);
    const characters = looked.mock.calls.reduce((sum, [text = '']) => sum + text.length, 0);
    expect(characters).toBeLessThan(paragraph.length * 3);
    looked.mockRestore();
  });

  test('no line is wider than asked', () => {
    const text = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerk und vieles mehr — 東京タワー שלום';
    for (const line of createTypesetter(null).wrap(text, STYLE, 77)) expect(line.width).toBeLessThanOrEqual(77);
  });
});
