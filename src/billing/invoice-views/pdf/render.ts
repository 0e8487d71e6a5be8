import PDFDocument from 'pdfkit';
import { collectionFont } from './collections.ts';
import { embeddable } from './embed.ts';
import { layOut } from './layout.ts';
import { type Item, PAGE } from './page.ts';
import type { Paper } from './paper.ts';
import { createTypesetter, type Run, type SetLine } from './typeset.ts';

/** The PDF of a paper, A4; the same words give the same bytes, in any process and after any other. Holds the thread. */
export async function drawPaper(paper: Paper): Promise<Uint8Array> {
  const pages = layOut(paper, createTypesetter(paper.country));
  const document = open(paper);
  const canvas: Canvas = { document, registered: new Set() };
  const chunks: Buffer[] = [];
  const finished = new Promise<void>((resolve, reject) => {
    document.on('data', (chunk: Buffer) => void chunks.push(chunk));
    document.on('end', resolve);
    document.on('error', reject);
  });
  for (const items of pages) {
    document.addPage();
    for (const item of items) drawItem(canvas, item);
  }
  document.end();
  await finished;
  return new Uint8Array(Buffer.concat(chunks));
}

interface Canvas {
  readonly document: PDFDocument;
  readonly registered: Set<string>;
}

const open = ({ title, seller, billTo, createdAt }: Paper): PDFDocument =>
  new PDFDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    font: '',
    pdfVersion: '1.7',
    lang: 'en',
    displayTitle: true,
    info: {
      Title: title,
      Author: seller.name ?? 'RustBill',
      Subject: `${title} to ${billTo.name}`,
      Creator: 'RustBill',
      CreationDate: new Date(createdAt),
    },
  });

function drawItem(canvas: Canvas, item: Item): void {
  const { document } = canvas;
  if (item.kind === 'text') drawLine(canvas, item.line, item.x, item.y);
  else if (item.kind === 'rule')
    document.lineWidth(0.6).strokeColor(item.color).moveTo(item.from, item.y).lineTo(item.to, item.y).stroke();
  else if (item.kind === 'panel') document.roundedRect(item.x, item.y, item.width, item.height, 3).fill(item.color);
  else if (item.kind === 'frame') {
    document.lineWidth(1.2).strokeColor(item.color);
    document.roundedRect(item.x, item.y, item.width, item.height, 3).stroke();
  } else drawWatermark(canvas, item.line);
}

function drawWatermark(canvas: Canvas, line: SetLine): void {
  const [x, y] = [PAGE.width / 2, PAGE.height / 2];
  canvas.document.save().rotate(-45, { origin: [x, y] });
  drawLine(canvas, line, x - line.width / 2, y + line.style.size * 0.35);
  canvas.document.restore();
}

function drawLine(canvas: Canvas, { runs, style }: SetLine, from: number, y: number): void {
  let x = from;
  canvas.document.fillColor(style.color);
  for (const run of runs) {
    drawRun(canvas, run, style.size, x, y);
    x += run.width;
  }
}

function drawRun({ document, registered }: Canvas, { face, text }: Run, size: number, x: number, y: number): void {
  if (face.font === null) {
    drawCollection(document, face.name, text, size, x, y);
    return;
  }
  if (!registered.has(face.name)) {
    document.registerFont(face.name, embeddable(face.font));
    registered.add(face.name);
  }
  document.font(face.name).fontSize(size).text(text, x, y, { lineBreak: false, baseline: 'alphabetic' });
}

/** PDFKit embeds every font it knows; this text names a standard one, in UTF-16. */
function drawCollection(
  document: PDFDocument,
  name: Parameters<typeof collectionFont>[1],
  text: string,
  size: number,
  x: number,
  y: number,
): void {
  const codes = Buffer.from(text, 'utf16le').swap16().toString('hex');
  document.page.fonts[name] ??= collectionFont(document, name);
  document.save().transform(1, 0, 0, -1, 0, document.page.height);
  const place = `1 0 0 1 ${x.toFixed(2)} ${(document.page.height - y).toFixed(2)} Tm`;
  document.addContent(`BT ${place} /${name} ${size} Tf <${codes}> Tj ET`);
  document.restore();
}
