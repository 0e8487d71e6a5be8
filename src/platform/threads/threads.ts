import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { tooLong as unavailable, unbounded } from '../bounds.ts';

export interface ThreadOptions {
  /** What runs in a thread: it calls `serveThread`. */
  module: URL;
  /** How many run at once. */
  threads: number;
  /** How many jobs may wait for one. */
  waiting: number;
  /** Life of a job in a thread, in milliseconds. */
  limitMs: number;
  /** A thread that nobody needed for so long ends. */
  idleMs: number;
  /** Heap of a thread; one that needs more fails, and nothing else does. */
  memoryMb: number;
  /** Said with a 503. */
  busy: string;
  tooLong: string;
}

export interface RunOptions {
  /** Ends the job wherever it is; its reason is what the caller gets. */
  signal?: AbortSignal | undefined;
  /** Waits also when the queue is full: for who asks for a few at a time, and must not fail because others ask for many. */
  patient?: boolean | undefined;
}

/** Threads for work that would hold the event loop; they start when they are needed. */
export interface Threads<Input, Output> {
  /** Throws AppError `service_unavailable` at once when too many wait, and when the job takes too long. */
  run(input: Input, options?: RunOptions): Promise<Output>;
  /** Ends them, and every job with them. */
  close(): Promise<void>;
}

/** What a thread is started with; `port` is its own: `node --watch` talks over the one that every thread has. */
export interface ThreadData {
  readonly port: MessagePort;
}
export type ThreadAnswer<Output> = { value: Output } | { error: unknown };

interface Job<Input, Output> {
  readonly input: Input;
  resolve(value: Output): void;
  reject(reason: unknown): void;
}

interface Thread<Input, Output> {
  readonly worker: Worker;
  readonly port: MessagePort;
  job: Job<Input, Output> | undefined;
  timer: NodeJS.Timeout | undefined;
}

export const createThreads = <Input, Output>(options: ThreadOptions): Threads<Input, Output> =>
  new Pool<Input, Output>(options);

class Pool<Input, Output> implements Threads<Input, Output> {
  readonly #options: ThreadOptions;
  readonly #queue: Job<Input, Output>[] = [];
  readonly #threads = new Set<Thread<Input, Output>>();
  #closed = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  async run(input: Input, { signal, patient = false }: RunOptions = {}): Promise<Output> {
    signal?.throwIfAborted();
    const { waiting, busy } = this.#options;
    if (this.#closed || (!patient && this.#queue.length >= waiting)) throw unavailable(busy);
    const { promise, resolve, reject } = Promise.withResolvers<Output>();
    const job = { input, resolve, reject };
    const abort = () => this.#drop(job, signal!.reason);
    signal?.addEventListener('abort', abort, { once: true });
    this.#queue.push(job);
    this.#next();
    return promise.finally(() => signal?.removeEventListener('abort', abort));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const ended = unavailable(this.#options.busy);
    for (const job of this.#queue.splice(0)) job.reject(ended);
    await Promise.all([...this.#threads].map((thread) => this.#end(thread, ended)));
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const thread = this.#free();
      if (!thread) return;
      this.#begin(thread, this.#queue.shift()!);
    }
  }

  #free(): Thread<Input, Output> | undefined {
    for (const thread of this.#threads) if (!thread.job) return thread;
    if (this.#closed || this.#threads.size >= this.#options.threads) return undefined;
    const thread = unbounded(() => startThread<Input, Output>(this.#options));
    this.#threads.add(thread);
    thread.port.on('message', (answer: ThreadAnswer<Output>) => this.#finish(thread, answer));
    thread.worker.once('error', (error) => void this.#end(thread, error));
    thread.worker.once('exit', () => void this.#end(thread, new Error('A thread ended without an answer.')));
    return thread;
  }

  #begin(thread: Thread<Input, Output>, job: Job<Input, Output>): void {
    const { limitMs, tooLong } = this.#options;
    clearTimeout(thread.timer);
    thread.job = job;
    thread.worker.ref();
    thread.port.ref();
    thread.timer = setTimeout(() => void this.#end(thread, unavailable(tooLong)), limitMs);
    thread.port.postMessage(job.input);
  }

  /** The thread stays for the next job; while it waits it keeps no process alive. */
  #finish(thread: Thread<Input, Output>, answer: ThreadAnswer<Output>): void {
    const { job } = thread;
    clearTimeout(thread.timer);
    thread.job = undefined;
    thread.worker.unref();
    thread.port.unref();
    thread.timer = setTimeout(() => void this.#end(thread, undefined), this.#options.idleMs).unref();
    if ('value' in answer) job?.resolve(answer.value);
    else job?.reject(answer.error);
    this.#next();
  }

  #drop(job: Job<Input, Output>, reason: unknown): void {
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    job.reject(reason);
    for (const thread of this.#threads) if (thread.job === job) void this.#end(thread, reason);
  }

  /** Whatever it is doing; nothing else stops a loop. */
  #end(thread: Thread<Input, Output>, reason: unknown): Promise<unknown> {
    if (!this.#threads.delete(thread)) return Promise.resolve();
    clearTimeout(thread.timer);
    thread.port.close();
    thread.job?.reject(reason);
    const ended = thread.worker.terminate();
    this.#next();
    return ended;
  }
}

function startThread<Input, Output>({ module, memoryMb }: ThreadOptions): Thread<Input, Output> {
  const { port1, port2 } = new MessageChannel();
  const workerData: ThreadData = { port: port2 };
  const resourceLimits = { maxOldGenerationSizeMb: memoryMb };
  const worker = new Worker(module, { workerData, transferList: [port2], resourceLimits });
  return { worker, port: port1, job: undefined, timer: undefined };
}
