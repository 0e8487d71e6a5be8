import {
  createFlow,
  HAIRLINE,
  heightOf,
  type Item,
  leftAt,
  PAGE,
  PANEL,
  STYLES,
  type Strip,
  space,
  textStrip,
} from './page.ts';
import type { Paper, Stamp } from './paper.ts';
import { letterhead, parties } from './parties.ts';
import { columnsOf, tableHead, tableRow } from './table.ts';
import { totalStrips } from './total-strips.ts';
import type { SetLine, Typesetter } from './typeset.ts';

/** A longer footer text stands once, after the notes, not at the foot of each page. */
const FOOT_LINES = 6;
const FOOT_LEADING = 10.5;
/** The head of the table stands alone at the foot of a page only before a row that fits on no page. */
const LONG_ROW = 400;
const WATERMARKED: ReadonlySet<Stamp | null> = new Set<Stamp>(['DRAFT', 'VOID']);

/** The pages of an invoice: what is drawn where. */
export function layOut(paper: Paper, type: Typesetter): Item[][] {
  const width = PAGE.right - PAGE.left;
  const footer = paper.footer === null ? [] : type.wrap(paper.footer, STYLES.small, width);
  const foot = footer.length <= FOOT_LINES ? footer : [];
  const flow = createFlow(PAGE.bottom - 22 - foot.length * FOOT_LEADING);
  const [who] = type.wrap(`${paper.title} · ${paper.billTo.name}`, STYLES.small, width);
  const running = textStrip([leftAt(PAGE.left, who!)], 12);

  flow.repeat([running, space(14)]);
  flow.add(letterhead(paper, type));
  flow.add(parties(paper, type));
  flow.add([space(26), textStrip([leftAt(PAGE.left, type.set(paper.headline, STYLES.headline))], 20), space(16)]);

  const columns = columnsOf(paper, type);
  const head = tableHead(columns, type);
  const rows = paper.rows.map((row) => tableRow(row, columns, type));
  const [first = []] = rows;
  flow.need(heightOf(head) + Math.min(heightOf(first), LONG_ROW));
  flow.add(head);
  flow.repeat([running, space(14), ...head]);
  for (const row of rows) flow.add(row);
  flow.repeat([running, space(14)]);
  flow.add([space(10), ...totalStrips(paper, type)]);
  if (paper.notes !== null) for (const strips of remarks('Notes', paper.notes, type)) flow.add(strips);
  if (foot.length < footer.length)
    flow.add([space(22), ...footer.map((line) => textStrip([leftAt(PAGE.left, line)], FOOT_LEADING))]);

  return flow.pages.map((items, index) => [
    ...watermark(paper, type),
    ...items,
    ...pageFoot(paper, foot, `Page ${index + 1} of ${flow.pages.length}`, type),
  ]);
}

/** Heading with the first lines, then line by line, so that long notes fill the page they begin on. */
function remarks(label: string, text: string, type: Typesetter): Strip[][] {
  const lines = type
    .wrap(text, STYLES.body, PAGE.right - PAGE.left)
    .map((line) => textStrip([leftAt(PAGE.left, line)], 13));
  const heading = textStrip([leftAt(PAGE.left, type.set(label, STYLES.label))], 14);
  return [[space(22), heading, ...lines.slice(0, 2)], ...lines.slice(2).map((line) => [line])];
}

function pageFoot(paper: Paper, foot: readonly SetLine[], page: string, type: Typesetter): Item[] {
  const top = PAGE.bottom - 12 - foot.length * FOOT_LEADING;
  const at = (line: SetLine, x: number, row: number): Item => ({
    kind: 'text',
    x,
    y: top + 14 + row * FOOT_LEADING,
    line,
  });
  const number = type.set(page, STYLES.small);
  return [
    { kind: 'rule', y: top, from: PAGE.left, to: PAGE.right, color: HAIRLINE },
    ...foot.map((line, row) => at(line, PAGE.left, row)),
    at(type.set(paper.title, STYLES.small), PAGE.left, foot.length),
    at(number, PAGE.right - number.width, foot.length),
  ];
}

function watermark({ stamp }: Paper, type: Typesetter): Item[] {
  if (!WATERMARKED.has(stamp)) return [];
  return [{ kind: 'watermark', line: type.set(stamp!, { weight: 'bold', size: 130, color: PANEL }) }];
}
