import { HAIRLINE, INK, leftAt, PAGE, rightAt, STYLES, type Strip, space, textStrip } from './page.ts';
import type { Paper, PaperRow } from './paper.ts';
import type { Typesetter } from './typeset.ts';

const GAP = 18;
const LEADING = 12.5;

/** Right edges of the number columns, and what is left for the description. */
export interface Columns {
  readonly currency: string;
  readonly description: number;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly amount: number;
}

/** The number columns are as wide as their widest number; the description gets the rest. */
export function columnsOf({ rows, currency }: Paper, type: Typesetter): Columns {
  const widest = (head: string, member: 'quantity' | 'unitPrice' | 'amount') =>
    rows.reduce(
      (width, row) => Math.max(width, type.set(row[member], STYLES.body).width),
      type.set(head, STYLES.label).width,
    );
  const amount = PAGE.right;
  const unitPrice = amount - widest(`Amount (${currency})`, 'amount') - GAP;
  const quantity = unitPrice - widest('Unit price', 'unitPrice') - GAP;
  return {
    currency,
    amount,
    unitPrice,
    quantity,
    description: quantity - widest('Quantity', 'quantity') - GAP - PAGE.left,
  };
}

export function tableHead(columns: Columns, type: Typesetter): Strip[] {
  const label = (text: string) => type.set(text, STYLES.label);
  const head = textStrip(
    [
      leftAt(PAGE.left, label('Description')),
      rightAt(columns.quantity, label('Quantity')),
      rightAt(columns.unitPrice, label('Unit price')),
      rightAt(columns.amount, label(`Amount (${columns.currency})`)),
    ],
    14,
  );
  return [head, rule(3, INK)];
}

/** A description of several lines keeps its numbers on the first. */
export function tableRow(row: PaperRow, columns: Columns, type: Typesetter): Strip[] {
  const lines = type.wrap(row.description, STYLES.body, columns.description);
  const numbers = [
    rightAt(columns.quantity, type.set(row.quantity, STYLES.body)),
    rightAt(columns.unitPrice, type.set(row.unitPrice, STYLES.body)),
    rightAt(columns.amount, type.set(row.amount, STYLES.body)),
  ];
  const period = row.period === null ? [] : type.wrap(row.period, STYLES.small, columns.description);
  return [
    space(5),
    ...lines.map((line, index) => textStrip([leftAt(PAGE.left, line), ...(index === 0 ? numbers : [])], LEADING)),
    ...period.map((line) => textStrip([leftAt(PAGE.left, line)], 11)),
    rule(5, HAIRLINE),
  ];
}

const rule = (height: number, color: string): Strip => ({
  height,
  items: [{ kind: 'rule', y: height, from: PAGE.left, to: PAGE.right, color }],
});
