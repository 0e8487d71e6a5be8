import { INK, leftAt, PAGE, PANEL, rightAt, STYLES, type Strip, space, textStrip } from './page.ts';
import type { Paper } from './paper.ts';
import type { TotalRow } from './totals.ts';
import type { Style, Typesetter } from './typeset.ts';

const LEFT = 290;
const GAP = 16;
const STYLE_OF: Readonly<Record<TotalRow['kind'], Style>> = {
  plain: STYLES.body,
  strong: STYLES.strong,
  muted: STYLES.small,
  due: STYLES.due,
};

/** The sums, in a column under the amounts of the table. */
export function totalStrips({ totals }: Paper, type: Typesetter): Strip[] {
  return totals.flatMap((row) => {
    if (row.kind === 'due') return [space(8), dueStrip(row, type)];
    const strips = rowStrips(row, type);
    return row.kind === 'strong' ? [space(3), ruled(strips[0]!), ...strips.slice(1), space(2)] : strips;
  });
}

function rowStrips(row: TotalRow, type: Typesetter): Strip[] {
  const style = STYLE_OF[row.kind];
  const amount = type.set(row.amount, style);
  const labels = type.wrap(row.label, style, PAGE.right - LEFT - amount.width - GAP);
  return labels.map((line, index) =>
    textStrip(
      [leftAt(LEFT, line), ...(index === 0 ? [rightAt(PAGE.right, amount)] : [])],
      index === labels.length - 1 ? 16 : 12.5,
    ),
  );
}

const ruled = (strip: Strip): Strip => ({
  height: strip.height + 3,
  items: [
    { kind: 'rule', y: 0, from: LEFT, to: PAGE.right, color: INK },
    ...strip.items.map((item) => (item.kind === 'text' ? { ...item, y: item.y + 3 } : item)),
  ],
});

function dueStrip(row: TotalRow, type: Typesetter): Strip {
  const texts = [leftAt(LEFT, type.set(row.label, STYLES.due)), rightAt(PAGE.right, type.set(row.amount, STYLES.due))];
  return {
    height: 28,
    items: [
      { kind: 'panel', x: LEFT - 10, y: 0, width: PAGE.right - LEFT + 20, height: 28, color: PANEL },
      ...texts.map(({ line, x }) => ({ kind: 'text' as const, x, y: 18, line })),
    ],
  };
}
