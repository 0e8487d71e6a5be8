import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { lineOf, mutantsOf, mutated, sample } from '../../scripts/mutate/mutants.ts';
import { TARGETS } from '../../scripts/mutate/targets.ts';

/** Every text that one change of `text` makes. */
const changes = (text: string) => mutantsOf(text).map((mutant) => mutated(text, mutant));

describe('mutants', () => {
  test.each([
    ['f = a < b', ['f = a <= b']],
    ['f = a >= b', ['f = a > b']],
    ['f = a === b', ['f = a !== b']],
    ['f = a - b * c', ['f = a + b * c', 'f = a - b / c']],
    ['f = a && !b', ['f = a || !b', 'f = a && b']],
    ['f = a ? -b : c', ['f = !(a) ? -b : c', 'f = a ? b : c']],
    ['f = [true, 1, 2n, "a", ""]', ['false, 1', 'true, 2, 2n', '1, 3n', "2n, '', ", '"a", \'mutant\'']],
  ])('%s', (text, expected) => {
    const found = changes(`const ${text};`);
    expect(found).toHaveLength(expected.length);
    for (const [i, part] of expected.entries()) expect(found[i]).toContain(part);
  });

  test('statements are left out, conditions negated', () => {
    expect(changes('function f(a) { if (a) g(); return a; }')).toEqual([
      'function f(a) { if (!(a)) g(); return a; }',
      'function f(a) { if (a) ; return a; }',
      'function f(a) { if (a) g(); return undefined; }',
    ]);
  });

  test('imports and types have none', () => {
    expect(mutantsOf("import { a } from 'a';\ntype T = 'a' | 1;\ninterface U { a: 'b' }\nlet x: 'a' | true;")).toEqual(
      [],
    );
  });

  test('each says its line, and changes the text there', () => {
    const text = 'const a = 1;\nconst b = 2;\n';
    expect(mutantsOf(text).map((mutant) => lineOf(text, mutant))).toEqual([1, 2]);
  });
});

describe('the sample', () => {
  const all = Array.from({ length: 50 }, (_, i) => i);
  test('is the same for the same seed, in order, without repetition', () => {
    const drawn = sample(all, 10, 1);
    expect(drawn).toEqual(sample(all, 10, 1));
    expect(drawn).not.toEqual(sample(all, 10, 2));
    expect(drawn).toEqual([...new Set(drawn)].sort((a, b) => a - b));
    expect(drawn).toHaveLength(10);
  });

  test('is all when there are no more', () => expect(sample(all, 60, 1)).toEqual(all));
});

test('every file that is mutated is there, and so are its tests', () => {
  for (const [file, tests] of Object.entries(TARGETS))
    expect([file, ...tests].filter((path) => !existsSync(path))).toEqual([]);
});
