import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { currentBounds, untilEnd } from '../../../platform/bounds.ts';
import { type ByteCache, createByteCache } from '../../../platform/byte-cache.ts';
import { createThreads, type RunOptions, type Threads } from '../../../platform/threads/threads.ts';
import type { Runtime } from '../../../platform/work.ts';
import { type Paper, type PaperInput, paperOf } from './paper.ts';

const CACHE_BYTES = 32 * 1024 * 1024;
const THREADS = availableParallelism() >= 4 ? 2 : 1;
const WAITING = 32;

/** The printer of one process. */
interface Printer {
  readonly threads: Threads<Paper, Uint8Array>;
  readonly printed: ByteCache;
  readonly printing: Map<string, Printing>;
}

/** A document on its way, and how many wait for it. */
interface Printing {
  readonly pdf: Promise<Uint8Array>;
  readonly ended: AbortController;
  readers: number;
}

const printers = new WeakMap<Runtime, Printer>();

function printerOf(runtime: Runtime): Printer {
  const known = printers.get(runtime);
  if (known) return known;
  const threads = createThreads<Paper, Uint8Array>({
    module: new URL('./thread.ts', import.meta.url),
    ...{ threads: THREADS, waiting: WAITING, limitMs: 20_000, idleMs: 60_000, memoryMb: 256 },
    busy: 'Too many documents are being printed.',
    tooLong: 'The document takes too long to print.',
  });
  const printer = { threads, printed: createByteCache(CACHE_BYTES), printing: new Map() };
  printers.set(runtime, printer);
  runtime.atClose.push(() => threads.close());
  return printer;
}

/**
 * The PDF of an invoice, made in a thread, or the one made before from the same words: whatever is printed is part of the
 * key, so that a copy is never old. Ends with the request or job that asks. Throws AppError `service_unavailable` when too
 * many are asked for (unless `patient`) or one takes too long.
 */
export async function printInvoice(
  runtime: Runtime,
  input: PaperInput,
  { patient }: Pick<RunOptions, 'patient'> = {},
): Promise<Uint8Array> {
  const printer = printerOf(runtime);
  const paper = paperOf(input);
  const key = createHash('sha256').update(JSON.stringify(paper)).digest('base64');
  const printed = printer.printed.get(key);
  if (printed) return printed;
  const printing = printer.printing.get(key) ?? begin(printer, key, paper, patient);
  return reading(printer, key, printing);
}

function begin(printer: Printer, key: string, paper: Paper, patient: boolean | undefined): Printing {
  const ended = new AbortController();
  const pdf = printer.threads.run(paper, { signal: ended.signal, patient });
  const printing = { pdf, ended, readers: 0 };
  printer.printing.set(key, printing);
  return printing;
}

/** One reader of a document; with the last one it ends. */
async function reading(printer: Printer, key: string, printing: Printing): Promise<Uint8Array> {
  printing.readers += 1;
  try {
    const pdf = await untilEnd(currentBounds(), () => printing.pdf);
    printer.printed.set(key, pdf);
    return pdf;
  } finally {
    printing.readers -= 1;
    if (printing.readers === 0) {
      if (printer.printing.get(key) === printing) printer.printing.delete(key);
      printing.ended.abort();
    }
  }
}
