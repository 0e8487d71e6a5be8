import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const FILE = pathOf('./handlers.test-d.ts');
const EXPECTED = /\/\/ @ts-expect-error (TS\d+): /;

test('each handler that does not fit the contract fails to compile for the reason it says', () => {
  const lines = readFileSync(FILE, 'utf8').split('\n');
  const expected = lines.flatMap((line, i) => {
    const code = EXPECTED.exec(line)?.[1];
    return code ? [[i + 1, code]] : [];
  });
  expect(expected.length).toBeGreaterThan(15);
  const errors = execFileSync(process.execPath, [pathOf('./compile.ts'), FILE, pathOf('../../tsconfig.json')]);
  expect(JSON.parse(errors.toString())).toEqual(expected);
}, 120_000);
