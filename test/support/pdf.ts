import { inflateSync } from 'node:zlib';

/** A PDF as PDFKit writes it, read back: the text of each page, line by line in the order it was drawn. */
export interface ReadPdf {
  pages: string[][];
  fonts: string[];
  info: string;
}

export function readPdf(bytes: Buffer): ReadPdf {
  const objects = readObjects(bytes);
  const all = [...objects.values()];
  const pages = all.filter(({ head }) => /\/Type \/Page\b/.test(head));
  const fonts = fontMaps(objects);
  return {
    pages: pages.map(({ head }) => linesOf(objects.get(refIn(head, 'Contents')!)!.text, fonts)),
    fonts: all.flatMap(({ head }) => /\/Type \/Font\n\/Subtype \/Type0\n\/BaseFont \/(\S+)/.exec(head)?.[1] ?? []),
    info: all.find(({ head }) => head.includes('/CreationDate'))!.head,
  };
}

interface PdfObject {
  head: string;
  /** The inflated stream, empty without one. */
  text: string;
}

function readObjects(bytes: Buffer): Map<string, PdfObject> {
  const text = bytes.toString('latin1');
  const objects = new Map<string, PdfObject>();
  for (const found of text.matchAll(/(?:^|\n)(\d+) 0 obj\n([\s\S]*?)\nendobj/g)) {
    const [, number, body] = found as unknown as [string, string, string];
    const at = body.indexOf('stream\n');
    const head = at < 0 ? body : body.slice(0, at);
    const stream = at < 0 ? '' : body.slice(at + 7, body.lastIndexOf('\nendstream'));
    const packed = head.includes('/FlateDecode') && !head.includes('/Length1');
    objects.set(number, {
      head,
      text: packed ? inflateSync(Buffer.from(stream, 'latin1')).toString('latin1') : stream,
    });
  }
  return objects;
}

const refIn = (head: string, name: string): string | undefined => new RegExp(`/${name} (\\d+) 0 R`).exec(head)?.[1];

type FontMap = (hex: string) => string;

/** Glyph numbers of each font to text, by its name in the pages. */
function fontMaps(objects: Map<string, PdfObject>): Map<string, FontMap> {
  const maps = new Map<string, FontMap>();
  for (const { head } of objects.values())
    for (const [, name, number] of head.matchAll(/\/(F\d+|gb1|cns1|japan1|korea1) (\d+) 0 R/g)) {
      const toUnicode = refIn(objects.get(number!)!.head, 'ToUnicode');
      maps.set(name!, toUnicode ? glyphMap(objects.get(toUnicode)!.text) : utf16);
    }
  return maps;
}

const utf16: FontMap = (hex) => Buffer.from(hex.replaceAll(' ', ''), 'hex').swap16().toString('utf16le');

function glyphMap(cmap: string): FontMap {
  const glyphs = new Map<number, string>();
  for (const [, from, , list] of cmap.matchAll(/<(\w+)> <(\w+)> \[(.*?)\]/gs))
    for (const [i, [, hex]] of [...list!.matchAll(/<([^>]*)>/g)].entries())
      glyphs.set(Number.parseInt(from!, 16) + i, hex === '' ? '' : utf16(hex!));
  return (hex) => (hex.match(/.{4}/g) ?? []).map((glyph) => glyphs.get(Number.parseInt(glyph, 16)) ?? '?').join('');
}

/** What stands on one baseline is one line, its parts apart by two spaces where they were drawn apart. */
function linesOf(content: string, fonts: Map<string, FontMap>): string[] {
  const lines: { y: string; text: string }[] = [];
  for (const [, block] of content.matchAll(/BT\b(.*?)\bET/gs)) {
    const [, y] = /1 0 0 1 \S+ (\S+) Tm/.exec(block!)!;
    const decode = fonts.get(/\/(\w+) \S+ Tf/.exec(block!)![1]!)!;
    const text = [...block!.matchAll(/<([0-9a-f ]*)>/g)].map(([, hex]) => decode(hex!)).join('');
    const last = lines.at(-1);
    if (last && last.y === y) last.text += `  ${text}`;
    else lines.push({ y: y!, text });
  }
  return lines.map((line) => line.text.trim());
}
