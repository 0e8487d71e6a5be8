import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { lineOf, type Mutant, mutantsOf, mutated, sample } from './mutate/mutants.ts';
import { TARGETS } from './mutate/targets.ts';
import type { Question } from './mutate/worker.ts';

const HELP = `npm run mutate [-- --count 12 --seed 1 --file src/billing/pricing/tax.ts]
Changes the source a little, again and again, and counts how often its unit tests notice.
  --count  mutants per file, chosen by the seed (0: all of them)
  --seed   another seed, other mutants
  --file   this file alone`;
/** A mutant that makes its tests this much slower than they are, and 30 s more, loops for ever. */
const SLOWER = 10;

let worker: ChildProcess | undefined;

/** Whether the tests are green; undefined when they have not ended after `limit` ms, or have taken the worker along. */
async function ask(question: Question, limit: number): Promise<boolean | undefined> {
  worker ??= fork(resolve('scripts/mutate/worker.ts'), {
    execArgv: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const asked = worker;
  const timer = setTimeout(() => asked.kill('SIGKILL'), limit);
  const answer = once(asked, 'message').then(([{ green }]) => green as boolean);
  asked.send(question);
  const verdict = await Promise.race([answer, once(asked, 'exit').then(() => undefined)]);
  clearTimeout(timer);
  if (verdict === undefined) worker = undefined;
  return verdict;
}

/** `line: what stands there` and what the mutant makes of it. */
function shown(text: string, mutant: Mutant): string {
  const line = lineOf(text, mutant);
  const of = (source: string) => source.split('\n')[line - 1]!.trim();
  return `  ${line} ${mutant.kind}\n    - ${of(text)}\n    + ${of(mutated(text, mutant))}`;
}

/** Tries the mutants of one file; answers how many there were and those that nothing noticed. */
async function tryFile(file: string, count: number, seed: number): Promise<[number, Mutant[]]> {
  const text = readFileSync(file, 'utf8');
  const all = mutantsOf(text);
  const tests = TARGETS[file]!;
  const started = performance.now();
  if (!(await ask({ file, tests }, 300_000))) throw new Error(`the tests of ${file} are not green without a mutant`);
  const limit = (performance.now() - started) * SLOWER + 30_000;
  const survivors: Mutant[] = [];
  const chosen = count === 0 ? all : sample(all, count, seed);
  for (const mutant of chosen) if (await ask({ file, tests, mutant }, limit)) survivors.push(mutant);
  console.log(`${file}: ${chosen.length - survivors.length} of ${chosen.length} noticed (${all.length} possible)`);
  for (const mutant of survivors) console.log(shown(text, mutant));
  return [chosen.length, survivors];
}

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '12' },
    seed: { type: 'string', default: '1' },
    file: { type: 'string' },
  },
});
const files = values.file ? [values.file] : Object.keys(TARGETS);
const [count, seed] = [Number(values.count), Number(values.seed)];
if (!Number.isInteger(count) || !Number.isInteger(seed) || files.some((file) => !TARGETS[file])) {
  console.error(HELP);
  process.exit(2);
}
let [tried, survived] = [0, 0];
for (const file of files) {
  const [of, survivors] = await tryFile(file, count, seed);
  tried += of;
  survived += survivors.length;
}
worker?.kill();
console.log(`${tried - survived} of ${tried} mutants noticed: ${Math.round((100 * (tried - survived)) / tried)} %`);
