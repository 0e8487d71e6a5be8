/**
 * Order of mixed left-to-right and right-to-left text on one line: the part of the Unicode bidirectional algorithm
 * that names, addresses and descriptions need (no explicit embeddings; those characters are not printed).
 */
type Kind = 'L' | 'R' | 'N' | 'O';

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const DIGIT = /[0-9\u0660-\u0669\u06f0-\u06f9]/;
const LETTER = /[\p{L}\p{M}]/u;
const MIRRORED: Readonly<Record<string, string>> = {
  '(': ')',
  ')': '(',
  '[': ']',
  ']': '[',
  '{': '}',
  '}': '{',
  '<': '>',
  '>': '<',
  '«': '»',
  '»': '«',
};

export const isRightToLeft = (text: string): boolean => RIGHT_TO_LEFT.test(text);

/** Whether a paragraph runs from right to left: its first letter does. */
export const startsRightToLeft = (text: string): boolean => kindOf(firstLetter(text)) === 'R';

const firstLetter = (text: string): string => /\p{L}/u.exec(text)?.[0] ?? '';

function kindOf(grapheme: string): Kind {
  if (DIGIT.test(grapheme)) return 'N';
  if (RIGHT_TO_LEFT.test(grapheme) && LETTER.test(grapheme)) return 'R';
  return LETTER.test(grapheme) ? 'L' : 'O';
}

/** The graphemes of a line from left to right as printed, with the direction to shape each in. */
export function visualOrder(graphemes: readonly string[], paragraphRtl: boolean): { text: string; rtl: boolean }[] {
  const levels = levelsOf(graphemes, paragraphRtl);
  const order = graphemes.map((_, index) => index);
  for (let level = Math.max(0, ...levels); level > 0; level -= 1) reverseRuns(order, levels, level);
  return order.map((index) => {
    const rtl = levels[index]! % 2 === 1;
    const text = graphemes[index]!;
    return { text: rtl ? (MIRRORED[text] ?? text) : text, rtl };
  });
}

function levelsOf(graphemes: readonly string[], paragraphRtl: boolean): number[] {
  const base = paragraphRtl ? 1 : 0;
  const kinds = resolveNumbers(withSeparators(graphemes), paragraphRtl);
  return kinds.map((kind, index) => {
    if (kind === 'R') return 1;
    if (kind === 'N') return 2;
    if (kind === 'L') return paragraphRtl ? 2 : 0;
    const before = directionAt(kinds, index, -1, paragraphRtl);
    const after = directionAt(kinds, index, 1, paragraphRtl);
    if (before !== after) return base;
    return before === 'R' ? 1 : paragraphRtl ? 2 : 0;
  });
}

/** `1,234.50` and `12:30` are one number each. */
function withSeparators(graphemes: readonly string[]): Kind[] {
  const kinds = graphemes.map(kindOf);
  return kinds.map((kind, i) =>
    /^[.,:/]$/.test(graphemes[i]!) && kinds[i - 1] === 'N' && kinds[i + 1] === 'N' ? 'N' : kind,
  );
}

/** Digits after left-to-right letters are part of them; after others they stay numbers within the text. */
function resolveNumbers(kinds: readonly Kind[], paragraphRtl: boolean): Kind[] {
  let last: Kind = paragraphRtl ? 'R' : 'L';
  return kinds.map((kind) => {
    if (kind === 'L' || kind === 'R') last = kind;
    return kind === 'N' && last === 'L' ? 'L' : kind;
  });
}

/** The direction of the nearest character that has one; a number counts as right-to-left. */
function directionAt(kinds: readonly Kind[], index: number, step: 1 | -1, paragraphRtl: boolean): 'L' | 'R' {
  for (let i = index + step; i >= 0 && i < kinds.length; i += step) {
    if (kinds[i] === 'L') return 'L';
    if (kinds[i] !== 'O') return 'R';
  }
  return paragraphRtl ? 'R' : 'L';
}

/** Rule L2: every sequence at this level or a higher one is turned round. */
function reverseRuns(order: number[], levels: readonly number[], level: number): void {
  let start = 0;
  while (start < order.length) {
    if (levels[order[start]!]! < level) {
      start += 1;
      continue;
    }
    let end = start;
    while (end < order.length && levels[order[end]!]! >= level) end += 1;
    order.splice(start, end - start, ...order.slice(start, end).reverse());
    start = end;
  }
}
