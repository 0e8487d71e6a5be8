import { isRightToLeft, startsRightToLeft, visualOrder } from './bidi.ts';
import { type Face, faceFor, isTurned, type Weight } from './fonts.ts';
import { type Collection, preferredCollection } from './han.ts';

/** `size` in points. */
export interface Style {
  readonly weight: Weight;
  readonly size: number;
  readonly color: string;
}

/** Text of one face, `width` in points. */
export interface Run {
  readonly face: Face;
  readonly text: string;
  readonly width: number;
}

/** One line of text as it is printed, from left to right. */
export interface SetLine {
  readonly runs: readonly Run[];
  readonly width: number;
  readonly style: Style;
}

export interface Typesetter {
  /** One line, however long. */
  set(text: string, style: Style): SetLine;
  /** As many lines of `width` points as the text needs; its own line ends are kept. */
  wrap(text: string, style: Style, width: number): SetLine[];
}

const UNKNOWN = '\ufffd';
/** Text that the main fonts have for certain, so that no character needs a look. */
const PLAIN =
  /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u017f\u0391-\u03a1\u03a3-\u03ce\u0410-\u044f\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u20ac]*$/;
const UNPRINTED = /[\p{Cc}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;
const WITHOUT_SPACES = /[\u0e00-\u0e7f\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]/;

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });
const words = new Intl.Segmenter('und', { granularity: 'word' });
const split = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

/** Measures and breaks text; `country` (ISO 3166, or null) decides how Han characters look. */
export function createTypesetter(country: string | null): Typesetter {
  const widths = new Map<string, number>();
  const measure = (face: Face, text: string): number => {
    if (face.font === null) return [...text].length;
    let sum = 0;
    // word by word, as PDFKit writes them
    for (const word of text.match(/[^ ]+ ?| /g) ?? []) sum += wordWidth(widths, face, word);
    return sum;
  };
  const setIn = (text: string, style: Style, rtl: boolean): SetLine => {
    const collection = preferredCollection(text, country);
    const runs = runsOf(text, style.weight, collection, rtl).map(({ face, text: part }) => ({
      face,
      text: part,
      width: measure(face, part) * style.size,
    }));
    return { runs, width: runs.reduce((sum, run) => sum + run.width, 0), style };
  };
  const fill = (paragraph: string, style: Style, width: number): SetLine[] => {
    const rtl = startsRightToLeft(paragraph);
    const wide = (text: string) => setIn(text, style, rtl).width;
    return breakLines(paragraph, width, wide).map((line) => setIn(line, style, rtl));
  };
  return {
    set: (text, style) => setIn(clean(text.replaceAll('\n', ' ')), style, startsRightToLeft(text)),
    wrap: (text, style, width) =>
      text
        .replace(/\r\n?/g, '\n')
        .split('\n')
        .flatMap((paragraph) => fill(clean(paragraph), style, width)),
  };
}

function wordWidth(widths: Map<string, number>, face: Face & { font: object }, word: string): number {
  const key = `${face.name} ${word}`;
  let width = widths.get(key);
  if (width === undefined) {
    width = face.font.layout(word).advanceWidth / face.font.unitsPerEm;
    widths.set(key, width);
  }
  return width;
}

/** Composed characters, full-width forms as ordinary ones, nothing that cannot be seen. */
const clean = (text: string): string =>
  text
    .replaceAll('\t', ' ')
    .replace(UNPRINTED, '')
    .normalize('NFC')
    .replace(/[\uff01-\uffee]/g, (one) => one.normalize('NFKC'))
    .trimEnd();

function runsOf(text: string, weight: Weight, collection: Collection, rtl: boolean): Omit<Run, 'width'>[] {
  if (text === '') return [];
  if (!rtl && PLAIN.test(text)) return [{ face: faceFor(' ', weight, collection)!, text }];
  const parts =
    rtl || isRightToLeft(text) ? visualOrder(split(text), rtl) : split(text).map((one) => ({ text: one, rtl: false }));
  const runs: { face: Face; text: string; rtl: boolean }[] = [];
  for (const part of parts) {
    const { face, text: shown } = showable(part.text, weight, collection);
    const last = runs.at(-1);
    if (last?.face.name !== face.name || last.rtl !== part.rtl) runs.push({ face, text: shown, rtl: part.rtl });
    else last.text = isTurned(face) ? shown + last.text : last.text + shown;
  }
  return runs;
}

/** A character that no face has is printed as what it is made of, or as the replacement character. */
function showable(grapheme: string, weight: Weight, collection: Collection): { face: Face; text: string } {
  for (const text of [grapheme, grapheme.normalize('NFKD')]) {
    const face = faceFor(text, weight, collection);
    if (face) return { face, text };
  }
  return { face: faceFor(UNKNOWN, weight, collection)!, text: UNKNOWN };
}

/** Where a line may end: after spaces and hyphens, and between words of scripts that write without spaces. */
function tokensOf(paragraph: string): string[] {
  if (!WITHOUT_SPACES.test(paragraph)) return paragraph.split(/(?<= )(?! )|(?<=[\p{L}\p{N}][-–—/])(?=\p{L})/u);
  const tokens: string[] = [];
  for (const { segment, isWordLike } of words.segment(paragraph)) {
    if (isWordLike || tokens.length === 0) tokens.push(segment);
    else tokens[tokens.length - 1] += segment;
  }
  return tokens;
}

function breakLines(paragraph: string, width: number, wide: (text: string) => number): string[] {
  if (wide(paragraph) <= width) return [paragraph];
  const lines: string[] = [];
  let line = '';
  for (const token of tokensOf(paragraph)) {
    if (wide((line + token).trimEnd()) <= width) {
      line += token;
      continue;
    }
    if (line !== '') lines.push(line.trimEnd());
    line = '';
    for (const part of fitting(token, width, wide)) {
      if (line !== '') lines.push(line);
      line = part;
    }
  }
  return [...lines, line.trimEnd()];
}

/**
 * A word wider than the line is cut where it must be. Its characters are measured one by one, each once: shaping every
 * beginning of every line would take seconds for a page.
 */
function fitting(token: string, width: number, wide: (text: string) => number): string[] {
  if (wide(token.trimEnd()) <= width) return [token];
  const measured = new Map<string, number>();
  const wideAlone = (one: string): number => {
    const known = measured.get(one) ?? wide(one);
    measured.set(one, known);
    return known;
  };
  const parts: string[] = [];
  let rest = split(token);
  while (rest.length > 0) {
    let count = 1;
    for (let sum = wideAlone(rest[0]!); count < rest.length; count++) {
      sum += wideAlone(rest[count]!);
      if (sum > width) break;
    }
    // joined characters may be wider than each alone
    while (count > 1 && wide(rest.slice(0, count).join('').trimEnd()) > width) count -= 1;
    parts.push(rest.slice(0, count).join(''));
    rest = rest.slice(count);
  }
  return parts;
}
