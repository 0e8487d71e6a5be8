import { workerData } from 'node:worker_threads';
import type { ThreadAnswer, ThreadData } from './threads.ts';

/** The side of the thread: answers one job after the other, until the port is closed. Bytes are handed over, not copied. */
export function serveThread<Input, Output>(work: (input: Input) => Promise<Output>): void {
  const { port } = workerData as ThreadData;
  port.on('message', (input: Input) => {
    work(input).then(
      (value) => {
        port.postMessage({ value } satisfies ThreadAnswer<Output>, handedOver(value));
      },
      (error: unknown) => port.postMessage({ error } satisfies ThreadAnswer<Output>),
    );
  });
}

/** Bytes that are all of their memory; a small Buffer shares its memory with others. */
function handedOver(value: unknown): ArrayBuffer[] {
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer)) return [];
  return value.byteLength === value.buffer.byteLength ? [value.buffer] : [];
}
