import type { SetLine, Style } from './typeset.ts';

/** A4 and its margins in points; y runs downwards. */
export const PAGE = { width: 595.28, height: 841.89, left: 50, right: 545.28, top: 50, bottom: 800 } as const;

export const INK = '#0f172a';
export const TEXT = '#334155';
export const GREY = '#64748b';
export const HAIRLINE = '#e2e8f0';
export const PANEL = '#f1f5f9';

const style = (weight: Style['weight'], size: number, color: string): Style => ({ weight, size, color });
export const STYLES = {
  title: style('bold', 22, INK),
  headline: style('bold', 15, INK),
  name: style('bold', 10, INK),
  body: style('regular', 9, TEXT),
  strong: style('bold', 9, INK),
  due: style('bold', 11, INK),
  label: style('bold', 7.5, GREY),
  small: style('regular', 8, GREY),
} as const;

/** Something to draw; text stands on the baseline `y`. */
export type Item =
  | { readonly kind: 'text'; readonly x: number; readonly y: number; readonly line: SetLine }
  | { readonly kind: 'rule'; readonly y: number; readonly from: number; readonly to: number; readonly color: string }
  | ({ readonly kind: 'panel'; readonly color: string } & Box)
  | ({ readonly kind: 'frame'; readonly color: string } & Box)
  | { readonly kind: 'watermark'; readonly line: SetLine };

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A strip across the page whose items are placed from its top; it is never divided. */
export interface Strip {
  readonly height: number;
  readonly items: readonly Item[];
}

const moved = (item: Item, by: number): Item => (item.kind === 'watermark' ? item : { ...item, y: item.y + by });

export const space = (height: number): Strip => ({ height, items: [] });

/** A strip of one text line; the baseline leaves room for ascenders and descenders of every script. */
export const textStrip = (texts: readonly { line: SetLine; x: number }[], leading: number): Strip => ({
  height: leading,
  items: texts.map(({ line, x }) => ({ kind: 'text', x, y: leading * 0.74, line })),
});

export const leftAt = (x: number, line: SetLine) => ({ line, x });
export const rightAt = (x: number, line: SetLine) => ({ line, x: x - line.width });

/** Columns side by side as one row of strips. */
export function beside(...columns: readonly (readonly Strip[])[]): Strip[] {
  const height = Math.max(...columns.map(heightOf));
  return [{ height, items: columns.flatMap((column) => stacked(column, 0)) }];
}

export const heightOf = (strips: readonly Strip[]): number => strips.reduce((sum, { height }) => sum + height, 0);

function stacked(strips: readonly Strip[], top: number): Item[] {
  let y = top;
  return strips.flatMap(({ height, items }) => {
    const placed = items.map((item) => moved(item, y));
    y += height;
    return placed;
  });
}

export interface Flow {
  readonly pages: Item[][];
  /** Puts the strips below what is there, on one page when they fit on one. */
  add(strips: readonly Strip[]): void;
  /** Starts a page when less than `height` points are left on this one. */
  need(height: number): void;
  /** What stands at the top of each further page from now on. */
  repeat(strips: readonly Strip[]): void;
}

/** Fills pages from top to bottom, down to `bottom`. */
export function createFlow(bottom: number): Flow {
  const pages: Item[][] = [[]];
  let y: number = PAGE.top;
  let head: readonly Strip[] = [];
  const put = (strips: readonly Strip[]): void => {
    pages.at(-1)!.push(...stacked(strips, y));
    y += heightOf(strips);
  };
  const turn = (): void => {
    pages.push([]);
    y = PAGE.top;
    put(head);
  };
  const need = (height: number): void => {
    if (y + height > bottom) turn();
  };
  return {
    pages,
    need,
    repeat: (strips) => {
      head = strips;
    },
    add: (strips) => {
      if (PAGE.top + heightOf(head) + heightOf(strips) <= bottom) {
        need(heightOf(strips));
        put(strips);
      } else
        for (const strip of strips) {
          need(strip.height);
          put([strip]);
        }
    },
  };
}
