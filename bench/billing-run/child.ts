import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { DUE } from './seed.ts';
import type { EngineRun, Measured } from './steps.ts';

const STEPS = fileURLToPath(new URL('./steps.ts', import.meta.url));

async function step<Result extends Measured>(args: string[], options: string[] = []): Promise<Result> {
  const child = spawn(process.execPath, [...options, STEPS, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, error, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${args[0]}: ${error}`);
  return JSON.parse(out);
}

const profile = () => (process.env.PROF ? ['--cpu-prof', `--cpu-prof-dir=${process.env.PROF}`] : []);

export const seed = (url: string, count: number) => step<Measured>(['seed', url, String(count)]);
/** `warm`: a small database that is billed before; `startAt`: wall-clock ms, so that several runners begin together. */
export const bill = (url: string, warm: string, now = DUE, startAt = 0) =>
  step<EngineRun>(['engine', url, now, String(startAt), warm], profile());
/** `warm`: a copy that is written before. */
export const raw = (from: string, to: string, warm: string, marks: string[]) =>
  step<Measured>(['raw', from, to, warm, JSON.stringify(marks)]);
export const sequence = (url: string, now = DUE) => step<Measured & { events: number }>(['sequence', url, now]);
/** Throws what the audit found. */
export const audit = (url: string, now = DUE) => step<Measured>(['audit', url, now]);
