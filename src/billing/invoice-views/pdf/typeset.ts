import { memo } from '../../../platform/memo.ts';
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
/** What joins or tags pictures; it has no picture of its own. */
const UNSEEN = /[\u200d\ufe0e\ufe0f\u{e0020}-\u{e007f}]/u;
/** Text that the main fonts have for certain, so that no character needs a look. */
const PLAIN =
  /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u017f\u0391-\u03a1\u03a3-\u03ce\u0410-\u044f\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u20ac]*$/;
const UNPRINTED = /[\p{Cc}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;
const WITHOUT_SPACES = /[\u0e00-\u0e7f\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]/;

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });
const words = new Intl.Segmenter('und', { granularity: 'word' });
const split = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

/** How wide the lines of a paragraph are, how they are set, and how wide a part is by itself. */
interface Ruler {
  readonly width: number;
  set(text: string): SetLine;
  alone(text: string): number;
}

/** Measures and breaks text; `country` (ISO 3166, or null) decides how Han characters look. */
export function createTypesetter(country: string | null): Typesetter {
  const widths = new Map<string, number>();
  const parts = new Map<string, number>();
  const looks = new Map<string, Look>();
  const measure = (face: Face, text: string): number => {
    if (face.font === null) return [...text].length;
    let sum = 0;
    // word by word, as PDFKit writes them
    for (const word of text.match(/[^ ]+ ?| /g) ?? []) sum += wordWidth(widths, face, word);
    return sum;
  };
  const setIn = (text: string, style: Style, rtl: boolean): SetLine => {
    const collection = preferredCollection(text, country);
    const { weight } = style;
    const look = memo(looks, `${weight} ${collection}`, () => ({ weight, collection, shown: new Map() }));
    const runs = runsOf(text, look, rtl).map(({ face, text: part }) => ({
      face,
      text: part,
      width: measure(face, part) * style.size,
    }));
    return { runs, width: runs.reduce((sum, run) => sum + run.width, 0), style };
  };
  const fill = (paragraph: string, style: Style, width: number): SetLine[] => {
    const rtl = startsRightToLeft(paragraph);
    const set = (text: string) => setIn(text, style, rtl);
    const alone = (text: string) => memo(parts, `${style.weight} ${style.size} ${text}`, () => set(text).width);
    return breakLines(paragraph, { width, set, alone });
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

const wordWidth = (widths: Map<string, number>, face: Face & { font: object }, word: string): number =>
  memo(widths, `${face.name} ${word}`, () => face.font.layout(word).advanceWidth / face.font.unitsPerEm);

/** Composed characters, full-width forms as ordinary ones, nothing that cannot be seen. */
const clean = (text: string): string =>
  text
    .replaceAll('\t', ' ')
    .replace(UNPRINTED, '')
    .normalize('NFC')
    .replace(/[\uff01-\uffee]/g, (one) => one.normalize('NFKC'))
    .trimEnd();

/** Which faces to take, and what they have shown of this document so far, by grapheme. */
interface Look {
  readonly weight: Weight;
  readonly collection: Collection;
  readonly shown: Map<string, Piece[]>;
}
type Piece = Omit<Run, 'width'>;

function runsOf(text: string, look: Look, rtl: boolean): Piece[] {
  if (text === '') return [];
  if (!rtl && PLAIN.test(text)) return [{ face: faceFor(' ', look.weight, look.collection)!, text }];
  const parts =
    rtl || isRightToLeft(text) ? visualOrder(split(text), rtl) : split(text).map((one) => ({ text: one, rtl: false }));
  const runs: { face: Face; text: string; rtl: boolean }[] = [];
  for (const part of parts)
    for (const { face, text: shown } of showable(part.text, look)) {
      const last = runs.at(-1);
      if (last?.face.name !== face.name || last.rtl !== part.rtl) runs.push({ face, text: shown, rtl: part.rtl });
      else last.text = isTurned(face) ? shown + last.text : last.text + shown;
    }
  return runs;
}

/**
 * A grapheme that no face has as a whole is printed as what it is made of, and what none has as the replacement
 * character: it is seen, and copied, and never left out.
 */
const showable = (grapheme: string, look: Look): Piece[] =>
  memo(look.shown, grapheme, () => {
    const whole = wholly(grapheme, look);
    if (whole) return [whole];
    const points = [...grapheme].filter((one) => !UNSEEN.test(one));
    return points.map((one) => wholly(one, look) ?? { face: wholly(UNKNOWN, look)!.face, text: UNKNOWN });
  });

function wholly(grapheme: string, { weight, collection }: Look): Piece | undefined {
  for (const text of [grapheme, grapheme.normalize('NFKD')]) {
    const face = faceFor(text, weight, collection);
    if (face) return { face, text };
  }
  return undefined;
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

/** A word wider than the line begins a line, and is cut where it must be. */
function breakLines(paragraph: string, ruler: Ruler): SetLine[] {
  const stretches: string[][] = [[]];
  for (const token of tokensOf(paragraph))
    if (ruler.alone(token.trimEnd()) > ruler.width) stretches.push(split(token));
    else stretches.at(-1)!.push(token);
  return stretches.flatMap((parts) => linesOf(parts, ruler));
}

/**
 * Fills lines with parts, one at least. Each part is measured once, alone; only what becomes a line is shaped: shaping
 * every beginning of every line would take seconds for a page.
 */
function linesOf(parts: readonly string[], { width, set, alone }: Ruler): SetLine[] {
  const lines: SetLine[] = [];
  for (let from = 0, to = 1; from < parts.length; from = to) {
    let sum = alone(parts[from]!);
    for (to = from + 1; to < parts.length && sum + alone(parts[to]!.trimEnd()) <= width; to += 1)
      sum += alone(parts[to]!);
    const upTo = (end: number) => set(parts.slice(from, end).join('').trimEnd());
    let line = upTo(to);
    // joined they may be wider than each alone
    while (line.width > width && to > from + 1) line = upTo(--to);
    lines.push(line);
  }
  return lines;
}
