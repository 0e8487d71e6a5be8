/**
 * Order of mixed left-to-right and right-to-left text on one line: the part of the Unicode bidirectional algorithm
 * that names, addresses and descriptions need (no explicit embeddings; those characters are not printed).
 */
type Kind = 'L' | 'R' | 'N' | 'O';
/** Before the weak types are resolved: Arabic letters, Arabic numbers, and what stands within or beside numbers. */
type Class = 'L' | 'R' | 'AL' | 'EN' | 'AN' | 'ES' | 'ET' | 'CS' | 'O';

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;
const ARABIC_LETTER = /[\u0600-\u07bf\u0860-\u08ff\ufb50-\ufdff\ufe70-\ufeff]/;
const DIGIT = /[0-9\u06f0-\u06f9]/;
const ARABIC_DIGIT = /[\u0660-\u0669\u066b\u066c]/;
const SEPARATOR = /^[.,:/\u00a0]$/;
const SIGN = /^[+\-\u2212]$/;
const UNIT = /^[#%\u2030\u00b0\p{Sc}]$/u;
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
export const startsRightToLeft = (text: string): boolean => RIGHT_TO_LEFT.test(firstLetter(text));

const firstLetter = (text: string): string => /\p{L}/u.exec(text)?.[0] ?? '';

function classOf(grapheme: string): Class {
  if (ARABIC_DIGIT.test(grapheme)) return 'AN';
  if (DIGIT.test(grapheme)) return 'EN';
  if (LETTER.test(grapheme)) {
    if (!RIGHT_TO_LEFT.test(grapheme)) return 'L';
    return ARABIC_LETTER.test(grapheme) ? 'AL' : 'R';
  }
  if (SEPARATOR.test(grapheme)) return 'CS';
  if (SIGN.test(grapheme)) return 'ES';
  return UNIT.test(grapheme) ? 'ET' : 'O';
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
  const kinds = resolveBrackets(resolveNumbers(graphemes.map(classOf), paragraphRtl), graphemes, paragraphRtl);
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

/** Rules W2 to W7: `1,234.50`, `2026-03-15` and `50%` are one number each; after left-to-right letters a part of them. */
function resolveNumbers(classes: Class[], paragraphRtl: boolean): Kind[] {
  let letter: Class = paragraphRtl ? 'R' : 'L';
  const resolved = classes.map((one) => {
    if (one === 'L' || one === 'R' || one === 'AL') letter = one;
    return one === 'EN' && letter === 'AL' ? 'AN' : one;
  });
  for (const [i, one] of resolved.entries()) {
    const [before, after] = [resolved[i - 1], resolved[i + 1]];
    if (before !== after) continue;
    if (before === 'EN' && (one === 'ES' || one === 'CS')) resolved[i] = 'EN';
    if (before === 'AN' && one === 'CS') resolved[i] = 'AN';
  }
  for (const step of [1, -1] as const)
    for (let i = step > 0 ? 1 : resolved.length - 2; i >= 0 && i < resolved.length; i += step)
      if (resolved[i] === 'ET' && resolved[i - step] === 'EN') resolved[i] = 'EN';
  let last: Kind = paragraphRtl ? 'R' : 'L';
  return resolved.map((one) => {
    if (one === 'L' || one === 'R' || one === 'AL') last = one === 'L' ? 'L' : 'R';
    if (one === 'EN') return last === 'L' ? 'L' : 'N';
    if (one === 'AN') return 'N';
    return one === 'AL' ? 'R' : one === 'L' || one === 'R' ? one : 'O';
  });
}

/** Rule N0: both brackets of a pair go the way of what they enclose, or of what stands before them. */
function resolveBrackets(kinds: Kind[], graphemes: readonly string[], paragraphRtl: boolean): Kind[] {
  const [own, other] = paragraphRtl ? (['R', 'L'] as const) : (['L', 'R'] as const);
  const directed = (kind: Kind | undefined): Kind => (kind === 'N' ? 'R' : (kind ?? 'O'));
  const resolved = [...kinds];
  for (const [open, close] of bracketPairs(graphemes)) {
    const inside = resolved.slice(open + 1, close).map(directed);
    if (inside.includes(own)) resolved[open] = resolved[close] = own;
    else if (inside.includes(other)) {
      const before = directionAt(resolved, open, -1, paragraphRtl);
      resolved[open] = resolved[close] = before;
    }
  }
  return resolved;
}

const OPENING = '([{';
const CLOSING = ')]}';

/** Places of the brackets that belong together, by the opening one. */
function bracketPairs(graphemes: readonly string[]): [open: number, close: number][] {
  const pairs: [number, number][] = [];
  const opened: [place: number, kind: number][] = [];
  for (const [i, one] of graphemes.entries()) {
    if (one.length !== 1) continue;
    const opening = OPENING.indexOf(one);
    if (opening >= 0) opened.push([i, opening]);
    const closing = CLOSING.indexOf(one);
    const at = closing < 0 ? -1 : opened.findLastIndex(([, kind]) => kind === closing);
    if (at < 0) continue;
    pairs.push([opened[at]![0], i]);
    opened.length = at;
  }
  return pairs.sort(([a], [b]) => a - b);
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
