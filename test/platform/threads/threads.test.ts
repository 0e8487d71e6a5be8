import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { createThreads, type ThreadOptions, type Threads } from '../../../src/platform/threads/threads.ts';
import type { Task } from '../../support/threads/tasks.ts';

const module = new URL('../../support/threads/tasks.ts', import.meta.url);
const opened: Threads<Task, unknown>[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((threads) => threads.close()));
});

function open(over: Partial<ThreadOptions> = {}): Threads<Task, unknown> {
  const usual = { module, threads: 1, waiting: 2, limitMs: 60_000, idleMs: 60_000, memoryMb: 64 };
  const threads = createThreads<Task, unknown>({ ...usual, busy: 'Busy.', tooLong: 'Too long.', ...over });
  opened.push(threads);
  return threads;
}
const busy = { code: 'service_unavailable', message: 'Busy.', headers: { 'Retry-After': '5' } };

test('a thread answers one job after the other, with what it made or what it threw', async () => {
  const threads = open();
  const ids = await Promise.all([threads.run('thread id'), threads.run('thread id')]);
  expect(new Set(ids).size).toBe(1);
  expect([...((await threads.run('bytes')) as Uint8Array)]).toEqual([1, 2, 3]);
  await expect(threads.run('fail')).rejects.toThrow('out of range');
  expect(await threads.run('thread id')).toBe(ids[0]);
});

test('one job more than may wait is refused at once; who is patient waits', async () => {
  const threads = open();
  const ended = new AbortController();
  const running = threads.run('loop', { signal: ended.signal });
  const waiting = [threads.run('bytes'), threads.run('bytes')];
  await expect(threads.run('bytes')).rejects.toMatchObject(busy);
  waiting.push(threads.run('bytes', { patient: true }));
  ended.abort(new Error('gone'));
  await expect(running).rejects.toThrow('gone');
  expect(await Promise.all(waiting)).toHaveLength(3);
});

test('a job ends with its signal wherever it is, and the next one gets a thread', async () => {
  const threads = open();
  const [first, second] = [new AbortController(), new AbortController()];
  const running = threads.run('loop', { signal: first.signal });
  const waiting = threads.run('loop', { signal: second.signal });
  const last = threads.run('bytes');
  second.abort(new Error('the second has gone'));
  await expect(waiting).rejects.toThrow('the second has gone');
  first.abort(new Error('the first has gone'));
  await expect(running).rejects.toThrow('the first has gone');
  await last;
  await expect(threads.run('bytes', { signal: first.signal })).rejects.toThrow('the first has gone');
});

test('a job that takes too long is ended, and stops nobody else', async () => {
  const threads = open({ limitMs: 200 });
  await expect(threads.run('loop')).rejects.toMatchObject({ ...busy, message: 'Too long.' });
  const patient = open();
  expect(await patient.run('bytes')).toHaveLength(3);
});

test('a thread that dies, or wants more memory than it may have, fails its own job only', async () => {
  const threads = open();
  await expect(threads.run('exit')).rejects.toThrow('without an answer');
  await expect(threads.run('heap')).rejects.toThrow(/memory/i);
  expect(await threads.run('bytes')).toHaveLength(3);
});

test('closing ends what runs and what waits; nothing begins afterwards', async () => {
  const threads = open();
  const jobs = [threads.run('loop'), threads.run('loop')];
  const outcomes = Promise.allSettled(jobs);
  await threads.close();
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(threads.run('bytes')).rejects.toMatchObject(busy);
});

test('a thread that nobody needs ends', async () => {
  const threads = open({ idleMs: 1 });
  const first = await threads.run('thread id');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await threads.run('thread id')).not.toBe(first);
});

test('answers also under node --watch, which talks to the threads as well', async () => {
  const program = fileURLToPath(new URL('../../support/threads/watched.ts', import.meta.url));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--watch', program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (/answered|Failed|Completed/.test(said)) break;
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(said).toContain('answered 1 2 3');
});
