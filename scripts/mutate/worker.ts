import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runCLI } from 'jest';
import { type Mutant, mutated } from './mutants.ts';

/** One question of the parent: do these tests notice this mutant of this file? Without a mutant: are they green? */
export interface Question {
  file: string;
  tests: string[];
  mutant?: Mutant;
}

declare global {
  var mutation: { path: string; text: string } | undefined;
}

const CONFIG = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/scripts/mutate/transform.mjs' },
  reporters: [],
  testTimeout: 60_000,
};
let runs = 0;

/** Whether the tests are green; they run in this process, and stop at the first that is not. */
async function green({ file, tests, mutant }: Question): Promise<boolean> {
  const path = resolve(file);
  globalThis.mutation = mutant && { path, text: mutated(readFileSync(path, 'utf8'), mutant) };
  // Jest keeps what it has transformed by the text of its configuration: another number, another text.
  const config = JSON.stringify({ ...CONFIG, globals: { run: ++runs } });
  const argv = { $0: 'jest', _: tests, config, runInBand: true, bail: 1, runTestsByPath: true, silent: true };
  const { results } = await runCLI(argv as unknown as Parameters<typeof runCLI>[0], [process.cwd()]);
  return results.success;
}

process.on('message', async (question: Question) => process.send!({ green: await green(question) }));
