import { refuse } from '../errors.ts';
import { survives } from './numbers.ts';

/** Stands where a number was that a double cannot hold; `cleanJson` names the member in its refusal. */
export const LOST_NUMBER = Symbol('a number that does not survive');

/**
 * Parses JSON without losing anything silently (contract 1.2): a number that does not survive is LOST_NUMBER, at least
 * the first one of each item of an array, or of any other body. Throws SyntaxError for what is not JSON, AppError
 * `invalid_request` for an object with two members of one name. Linear in the length of the text.
 */
export function parseExact(text: string): unknown {
  const holder = { body: JSON.parse(text) as unknown };
  const lost = new Scan(text).run();
  for (const path of lost) mark(holder, ['body', ...path]);
  return holder.body;
}

function mark(holder: object, path: string[]): void {
  const last = path.pop()!;
  let at = holder as Record<string, unknown>;
  for (const step of path) at = at[step] as Record<string, unknown>;
  // defineProperty: a member may be named __proto__
  Object.defineProperty(at, last, { value: LOST_NUMBER, enumerable: true, configurable: true, writable: true });
}

const [QUOTE, COLON, COMMA, BACKSLASH, MINUS, POINT, PLUS] = [0x22, 0x3a, 0x2c, 0x5c, 0x2d, 0x2e, 0x2b];
const [OBJECT, OBJECT_END, ARRAY, ARRAY_END] = [0x7b, 0x7d, 0x5b, 0x5d];
const [ZERO, NINE, LOWER_E, UPPER_E, SPACE] = [0x30, 0x39, 0x65, 0x45, 0x20];
/** Deeper bodies are refused for that, by `cleanJson`. */
const MAX_DEPTH = 64;
/** From here on a set is faster than a list. */
const FEW = 12;
/** So many characters hold no more digits than every double keeps. */
const SHORT = 15;

/** An object or array that is open; used again for the next one at its depth, as most are small and many. */
interface Open {
  isArray: boolean;
  /** The place in an array. */
  index: number;
  /** The names so far in an object, the last one at the end of `few` or in `name`. */
  few: string[];
  many: Set<string>;
  name: string;
}

/** One walk over the tokens of a text that is JSON. */
class Scan {
  private readonly text: string;
  private readonly open: Open[] = [];
  private depth = 0;
  private readonly lost: string[][] = [];
  private lostItem = -1;

  constructor(text: string) {
    this.text = text;
  }

  /** The paths of numbers that do not survive. */
  run(): string[][] {
    const { text } = this;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) at = this.string(at) - 1;
      else if (code === OBJECT || code === ARRAY) this.enter(code === ARRAY);
      else if (code === OBJECT_END || code === ARRAY_END) this.depth--;
      else if (code === COMMA) this.next();
      else if (code === MINUS || (code >= ZERO && code <= NINE)) at = this.number(at) - 1;
    }
    return this.lost;
  }

  private enter(isArray: boolean): void {
    const depth = ++this.depth;
    if (depth > MAX_DEPTH) return;
    const one = this.open[depth];
    if (!one) {
      this.open[depth] = { isArray, index: 0, few: [], many: new Set(), name: '' };
      return;
    }
    one.isArray = isArray;
    one.index = 0;
    if (one.few.length > 0) one.few.length = 0;
    if (one.many.size > 0) one.many = new Set();
  }

  private next(): void {
    if (this.depth <= MAX_DEPTH) this.open[this.depth]!.index++;
  }

  /** Passes a string, which in an object may be a name; answers the place after it. */
  private string(start: number): number {
    const { text } = this;
    const end = endOfString(text, start);
    let after = end;
    while (text.charCodeAt(after) <= SPACE) after++;
    if (text.charCodeAt(after) !== COLON || this.depth > MAX_DEPTH) return after;
    const literal = text.slice(start + 1, end - 1);
    this.member(literal.includes('\\') ? (JSON.parse(`"${literal}"`) as string) : literal);
    return after;
  }

  private member(name: string): void {
    const object = this.open[this.depth]!;
    const { few, many } = object;
    if (few.includes(name) || many.has(name))
      throw refuse('invalid_request', `An object of the body has two members ${JSON.stringify(name.slice(0, 100))}.`);
    object.name = name;
    if (few.length < FEW) few.push(name);
    else many.add(name);
  }

  private number(start: number): number {
    const { text } = this;
    let end = start + 1;
    let power = false;
    for (; ; end++) {
      const code = text.charCodeAt(end);
      if (code === LOWER_E || code === UPPER_E) power = true;
      else if (!((code >= ZERO && code <= NINE) || code === POINT || code === PLUS || code === MINUS)) break;
    }
    if ((power || end - start > SHORT) && this.depth <= MAX_DEPTH) this.judge(text.slice(start, end));
    return end;
  }

  private judge(literal: string): void {
    const item = this.depth > 0 && this.open[1]!.isArray ? this.open[1]!.index : 0;
    if (item === this.lostItem || survives(literal)) return;
    this.lostItem = item;
    const path = this.open.slice(1, this.depth + 1);
    this.lost.push(path.map(({ isArray, index, name }) => (isArray ? String(index) : name)));
  }
}

/** The place after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((at - before) % 2 === 0) return at + 1;
  }
}
