import { beside, GREY, leftAt, PAGE, rightAt, STYLES, type Strip, space, textStrip } from './page.ts';
import type { Paper, Stamp } from './paper.ts';
import type { Style, Typesetter } from './typeset.ts';

const STAMP_COLORS: Readonly<Record<Stamp, string>> = {
  DRAFT: '#b45309',
  PAID: '#15803d',
  OVERDUE: '#b91c1c',
  VOID: GREY,
};
const COLUMN = 270;
const RIGHT_COLUMN = 360;
/** An address that is longer is cut: it is one line per line of an envelope. */
const ADDRESS_LINES = 14;

/** Seller on the left; the word Invoice, its number and its state on the right. */
export function letterhead(paper: Paper, type: Typesetter): Strip[] {
  const { name, lines } = paper.seller;
  const seller = [
    ...(name === null ? [] : wrapped(name, { ...STYLES.name, size: 13 }, 18, type)),
    ...addressStrips(lines, 12.5, type),
  ];
  const right = [
    textStrip([rightAt(PAGE.right, type.set('Invoice', STYLES.title))], 28),
    ...(paper.stamp === null ? [] : [space(6), stampStrip(paper.stamp, type)]),
  ];
  return [...beside(seller, right), space(30)];
}

function stampStrip(stamp: Stamp, type: Typesetter): Strip {
  const color = STAMP_COLORS[stamp];
  const line = type.set(stamp, { weight: 'bold', size: 10, color });
  const width = line.width + 18;
  const x = PAGE.right - width;
  return {
    height: 22,
    items: [
      { kind: 'frame', x, y: 1, width, height: 19, color },
      { kind: 'text', x: x + 9, y: 14.2, line },
    ],
  };
}

/** Who is billed on the left; number and dates on the right. */
export function parties(paper: Paper, type: Typesetter): Strip[] {
  const { name, lines } = paper.billTo;
  const billTo = [
    textStrip([leftAt(PAGE.left, type.set('Bill to', STYLES.label))], 14),
    ...wrapped(name, STYLES.name, 14.5, type),
    ...addressStrips(lines, 13, type),
  ];
  const facts = paper.facts.map(([label, value]) =>
    textStrip(
      [
        leftAt(RIGHT_COLUMN, type.set(label, { ...STYLES.body, color: GREY })),
        rightAt(PAGE.right, type.set(value, STYLES.strong)),
      ],
      14.5,
    ),
  );
  return beside(billTo, facts);
}

const wrapped = (text: string, style: Style, leading: number, type: Typesetter): Strip[] =>
  type.wrap(text, style, COLUMN).map((line) => textStrip([leftAt(PAGE.left, line)], leading));

function addressStrips(lines: readonly string[], leading: number, type: Typesetter): Strip[] {
  const all = lines.flatMap((line) => type.wrap(line, STYLES.body, COLUMN));
  const shown = all.length > ADDRESS_LINES ? [...all.slice(0, ADDRESS_LINES - 1), type.set('…', STYLES.body)] : all;
  return shown.map((line) => textStrip([leftAt(PAGE.left, line)], leading));
}
