/** PDFKit and fontkit ship no types; these are the parts that are used. */
declare module 'fontkit' {
  export interface Glyph {
    /** A number; embed.ts gives PDFKit something it hands back to `includeGlyph`. */
    readonly id: unknown;
    readonly advanceWidth: number;
    readonly codePoints: readonly number[];
  }
  export interface GlyphRun {
    glyphs: Glyph[];
    readonly positions: readonly { readonly xAdvance: number }[];
    readonly advanceWidth: number;
  }
  export interface Subset {
    /** Numbers of the glyphs of the font, by their number in the subset. */
    readonly glyphs: unknown[];
    includeGlyph(glyph: unknown): number;
  }
  export interface Font {
    readonly unitsPerEm: number;
    /** One glyph per number (fonts.ts). */
    readonly _glyphs: Record<number, Glyph>;
    getGlyph(id: number, codePoints?: readonly number[]): Glyph;
    hasGlyphForCodePoint(codePoint: number): boolean;
    layout(text: string): GlyphRun;
    createSubset(): Subset;
  }
  export function create(data: Uint8Array): Font;
}

declare module 'pdfkit' {
  import type { Readable } from 'node:stream';
  import type { Font } from 'fontkit';

  interface Reference {
    end(): void;
  }
  interface TextOptions {
    lineBreak: false;
    baseline: 'alphabetic';
  }
  interface Page {
    readonly height: number;
    readonly fonts: Record<string, Reference>;
  }

  export default class PDFDocument extends Readable {
    constructor(options: {
      size: 'A4';
      margin: number;
      autoFirstPage: false;
      font: '';
      pdfVersion: '1.7';
      lang: string;
      displayTitle: boolean;
      compress?: boolean;
      info: { Title: string; Author: string; Subject: string; Creator: string; CreationDate: Date };
    });
    readonly page: Page;
    addPage(): this;
    registerFont(name: string, font: Font): this;
    font(name: string): this;
    fontSize(size: number): this;
    fillColor(color: string): this;
    strokeColor(color: string): this;
    lineWidth(width: number): this;
    text(text: string, x: number, y: number, options: TextOptions): this;
    save(): this;
    restore(): this;
    rotate(degrees: number, options: { origin: [number, number] }): this;
    transform(a: number, b: number, c: number, d: number, e: number, f: number): this;
    moveTo(x: number, y: number): this;
    lineTo(x: number, y: number): this;
    stroke(): this;
    fill(color: string): this;
    rect(x: number, y: number, width: number, height: number): this;
    roundedRect(x: number, y: number, width: number, height: number, radius: number): this;
    ref(data: Record<string, unknown>): Reference;
    addContent(operators: string): this;
    end(): void;
  }
}
