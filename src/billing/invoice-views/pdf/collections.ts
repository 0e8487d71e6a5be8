import type PDFDocument from 'pdfkit';
import type { Collection } from './han.ts';

interface Named {
  readonly font: string;
  readonly ordering: string;
  readonly supplement: number;
  readonly map: string;
}

/** The fonts and character maps that the PDF format defines for text whose font is not embedded. */
const NAMED: Readonly<Record<Collection, Named>> = {
  gb1: { font: 'STSong-Light', ordering: 'GB1', supplement: 4, map: 'UniGB-UTF16-H' },
  cns1: { font: 'MSung-Light', ordering: 'CNS1', supplement: 4, map: 'UniCNS-UTF16-H' },
  japan1: { font: 'HeiseiKakuGo-W5', ordering: 'Japan1', supplement: 4, map: 'UniJIS-UTF16-H' },
  korea1: { font: 'HYGoThic-Medium', ordering: 'Korea1', supplement: 2, map: 'UniKS-UTF16-H' },
};

/** A font of Chinese, Japanese or Korean characters, each one em wide, that the reader supplies. */
export function collectionFont(document: PDFDocument, name: Collection) {
  const { font, ordering, supplement, map } = NAMED[name];
  const reference = (data: Record<string, unknown>) => {
    const made = document.ref(data);
    made.end();
    return made;
  };
  const descriptor = reference({
    Type: 'FontDescriptor',
    FontName: font,
    Flags: 4,
    FontBBox: [0, -200, 1000, 900],
    ItalicAngle: 0,
    Ascent: 880,
    Descent: -120,
    CapHeight: 880,
    StemV: 90,
  });
  const descendant = reference({
    Type: 'Font',
    Subtype: 'CIDFontType0',
    BaseFont: font,
    // PDFKit writes String objects as strings, plain ones as names
    CIDSystemInfo: { Registry: new String('Adobe'), Ordering: new String(ordering), Supplement: supplement },
    FontDescriptor: descriptor,
    DW: 1000,
  });
  return reference({
    Type: 'Font',
    Subtype: 'Type0',
    BaseFont: `${font}-${map}`,
    Encoding: map,
    DescendantFonts: [descendant],
  });
}
