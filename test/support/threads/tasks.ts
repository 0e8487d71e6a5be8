import { serveThread } from '../../../src/platform/threads/serve.ts';

export type Task = 'thread id' | 'bytes' | 'fail' | 'loop' | 'exit' | 'heap';

const never = (): never => {
  for (;;) Math.random();
};

const TASKS: Record<Task, () => unknown> = {
  'thread id': () => id,
  bytes: () => new Uint8Array([1, 2, 3]),
  fail: () => {
    throw new RangeError('out of range');
  },
  loop: never,
  exit: () => process.exit(0),
  heap: () => {
    const held: unknown[] = [];
    for (;;) held.push(Array.from({ length: 1000 }, () => held.length));
  },
};

const id = crypto.randomUUID();
serveThread(async (task: Task) => TASKS[task]());
