import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { create, type Font, type Glyph } from 'fontkit';
import { memo } from '../../../platform/memo.ts';
import { type Collection, collectionOf } from './han.ts';

export type Weight = 'regular' | 'bold';

/** What a piece of text is set in: a font of assets/fonts, or a CJK collection, whose glyphs are one em wide each. */
export type Face = { readonly name: string; readonly font: Font } | { readonly name: Collection; readonly font: null };

const SCRIPTS = [
  'arabic',
  'armenian',
  'bengali',
  'devanagari',
  'georgian',
  'hebrew',
  'symbols',
  'tamil',
  'thai',
] as const;
const RANGES: readonly [first: number, last: number, script: (typeof SCRIPTS)[number]][] = [
  [0x0530, 0x058f, 'armenian'],
  [0x0590, 0x05ff, 'hebrew'],
  [0x0600, 0x077f, 'arabic'],
  [0x08a0, 0x08ff, 'arabic'],
  [0x0900, 0x097f, 'devanagari'],
  [0x0980, 0x09ff, 'bengali'],
  [0x0b80, 0x0bff, 'tamil'],
  [0x0e00, 0x0e7f, 'thai'],
  [0x10a0, 0x10ff, 'georgian'],
  [0x1c90, 0x1cbf, 'georgian'],
  [0x2190, 0x2718, 'symbols'],
  [0xa8e0, 0xa8ff, 'devanagari'],
  [0xfb13, 0xfb17, 'armenian'],
  [0xfb1d, 0xfb4f, 'hebrew'],
  [0xfb50, 0xfdff, 'arabic'],
  [0xfe70, 0xfeff, 'arabic'],
];
const CJK =
  /^[\u2e80-\u303f\u3040-\u30ff\u3100-\u31ff\u3200-\u9fff\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff01-\uffee\u{20000}-\u{3ffff}]/u;
const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\u20e3/u;
/** Joiners and variation selectors have no glyph of their own. */
const INVISIBLE = /\u200c|\u200d|[\ufe00-\ufe0f]/;

const loaded = new Map<string, Face & { font: Font }>();

/** A font is read and parsed once per thread, when the first text needs it. */
const load = (name: string): Face & { font: Font } =>
  memo(loaded, name, () => ({ name, font: pure(create(read(name))) }));

/** The pictures are packed: they would be half of all fonts. */
const read = (name: string): Uint8Array =>
  name === 'emoji' ? brotliDecompressSync(file('noto-emoji.ttf.br')) : file(`noto-sans-${name}.ttf`);
const file = (name: string): Uint8Array => readFileSync(new URL(`../../../../assets/fonts/${name}`, import.meta.url));

/**
 * fontkit keeps one glyph per number, with the characters it stood for first: none when it was a part of another glyph.
 * What a text extracts as, and how its marks are placed, would depend on the texts before it.
 */
function pure(font: Font): Font {
  const { getGlyph } = font;
  const glyphs = new Map<string, Glyph>();
  font.getGlyph = (id, codePoints = []) =>
    memo(glyphs, `${id} ${codePoints.join(' ')}`, () => {
      delete font._glyphs[id];
      return getGlyph.call(font, id, codePoints);
    });
  return font;
}

/** The face that can show all of one grapheme; undefined when none can. */
export function faceFor(grapheme: string, weight: Weight, preferred: Collection): Face | undefined {
  const main = load(weight);
  const points = [...grapheme].filter((one) => !INVISIBLE.test(one)).map((one) => one.codePointAt(0)!);
  if (has(main.font, points)) return main;
  if (CJK.test(grapheme)) return { name: collectionOf(grapheme, preferred), font: null };
  const first = points[0] ?? 0;
  const script = RANGES.find(([from, to]) => from <= first && first <= to)?.[2];
  const others = [...(script ? [script] : []), ...(PICTURE.test(grapheme) ? ['emoji'] : [])];
  return others.map(load).find(({ font }) => has(font, points));
}

const has = (font: Font, points: number[]): boolean => points.every((point) => font.hasGlyphForCodePoint(point));

/** Whether the shaper turns the text of this face round, so that it must be given in reading order. */
export const isTurned = ({ name }: Face): boolean => name === 'arabic' || name === 'hebrew';
