import type { Font } from 'fontkit';
import { memo } from '../../../platform/memo.ts';

/** A glyph as it stands in a text: the same one may stand for other characters elsewhere. */
interface Use {
  readonly id: unknown;
  readonly key: string;
}

/**
 * A font as one document embeds it. PDFKit notes for each glyph the first text it stood for; here each text of a glyph
 * gets a number of its own in the document, so that every character can be searched and copied as it was written.
 */
export function embeddable(font: Font): Font {
  const embedded: Font = Object.create(font);
  embedded.layout = (text) => {
    const run = font.layout(text);
    run.glyphs = run.glyphs.map(({ id, advanceWidth, codePoints }, i) => {
      // what cannot be seen is laid out as a space of no width, which would be copied
      const shown = run.positions[i]!.xAdvance === 0 && codePoints[0] === 0x20 ? [] : codePoints;
      return { id: { id, key: `${id} ${shown.join(' ')}` }, advanceWidth, codePoints: shown };
    });
    return run;
  };
  embedded.createSubset = () => {
    const subset = font.createSubset();
    const include = subset.includeGlyph;
    const places = new Map<string, number>();
    subset.includeGlyph = (glyph) => {
      if (typeof glyph === 'number') return include.call(subset, glyph);
      const { id, key } = glyph as Use;
      return memo(places, key, () => subset.glyphs.push(id) - 1);
    };
    return subset;
  };
  return embedded;
}
