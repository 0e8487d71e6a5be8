import { createThreads } from '../../../src/platform/threads/threads.ts';

/** Run under `node --watch`: prints what a thread answers. */
const threads = createThreads<string, Uint8Array>({
  module: new URL('./tasks.ts', import.meta.url),
  ...{ threads: 1, waiting: 1, limitMs: 60_000, idleMs: 1000, memoryMb: 64, busy: 'busy', tooLong: 'too long' },
});
process.stdout.write(`answered ${[...(await threads.run('bytes'))].join(' ')}\n`);
