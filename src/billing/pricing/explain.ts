import { createHash } from 'node:crypto';
import { composeInvoice, type InvoiceOutput } from './compose.ts';
import { type InvoiceInputText, readInput } from './input-text.ts';
import type { Trace } from './trace.ts';

/** What a stored trace gives when computed again: equal, or the path of the first member that differs (rules C5). */
export interface Replay {
  readonly output: InvoiceOutput;
  readonly verified: boolean;
  readonly difference: string | null;
}

/** Computes an invoice again from its stored trace. Throws when the trace is not one. */
export function replayTrace(trace: Trace): Replay {
  const output = composeInvoice(readInput(trace.input));
  const difference = firstDifference(trace, output.trace, '');
  return { output, verified: difference === null, difference };
}

/** Hex SHA-256 of the input, whatever the order of the JSON members. */
export function inputsHash(input: InvoiceInputText): string {
  return createHash('sha256').update(canonicalJson(input)).digest('hex');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`).join(',')}}`;
}

/** Path of the first member in which two JSON values differ (`steps.2.result`), null when they are equal. */
export function firstDifference(a: unknown, b: unknown, path = ''): string | null {
  const below = (name: string | number) => (path === '' ? String(name) : `${path}.${name}`);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
      const found = firstDifference(a[index], b[index], below(index));
      if (found !== null) return found;
    }
    return null;
  }
  if (!isRecord(a) || !isRecord(b)) return a === b ? null : path;
  for (const name of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    const found = firstDifference(a[name], b[name], below(name));
    if (found !== null) return found;
  }
  return null;
}
