import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  featureOf,
  functionsOf,
  isAny,
  isMember,
  isNewDate,
  placesOf,
  type SourceFile,
  sourceFiles,
} from './support/source.ts';

const files = sourceFiles();
const byPath = new Map(files.map((file) => [file.path, file]));

/**
 * Who may import whom, `platform` and the types in `generated` aside: everybody may. A new word here is a decision.
 * Features on both sides of a line know each other in different files only: no two files import each other.
 */
const MAY_IMPORT: Record<string, string> = {
  accounts: 'customers',
  analytics: 'billing/audit system',
  app: 'accounts analytics billing/coupons billing/coverage billing/credit-notes billing/credits billing/events billing/invoice-views billing/invoices billing/payments billing/plans billing/refunds billing/run billing/subscriptions billing/tax-rules billing/usage cron customers licenses mail products settings system',
  'billing/audit': 'billing/plans billing/pricing billing/subscriptions licenses providers',
  'billing/billing': 'billing/ledger billing/tax billing/tax-rules settings',
  'billing/coupons': 'billing/plans settings',
  'billing/coverage': 'billing/plans billing/pricing billing/subscriptions',
  'billing/credit-notes': 'billing/billing billing/invoices billing/ledger billing/numbers billing/pricing',
  'billing/credits': 'billing/billing billing/ledger customers',
  'billing/events': '',
  'billing/invoice-views':
    'billing/credit-notes billing/credits billing/invoices billing/payments billing/pricing customers providers',
  'billing/invoices': 'billing/billing billing/ledger billing/numbers billing/pricing billing/tax customers settings',
  'billing/ledger': 'providers',
  'billing/metering': 'billing/pricing',
  'billing/mrr': '',
  'billing/numbers': '',
  'billing/payments': 'billing/billing billing/invoices billing/ledger providers',
  'billing/plans': 'billing/pricing products settings',
  'billing/pricing': '',
  'billing/refunds': 'billing/billing billing/invoices billing/ledger billing/payments billing/pricing providers',
  'billing/run': 'billing/billing billing/invoices billing/subscriptions billing/tax',
  'billing/subscriptions':
    'billing/billing billing/coupons billing/credit-notes billing/credits billing/invoices billing/metering billing/mrr billing/plans billing/pricing billing/refunds billing/tax customers settings',
  'billing/tax': 'billing/pricing providers settings',
  'billing/tax-rules': 'billing/pricing products',
  'billing/usage': 'billing/metering billing/plans billing/pricing billing/subscriptions settings',
  cli: 'accounts billing/audit config runtime',
  config: 'providers',
  cron: 'billing/run licenses mail',
  customers: 'products providers settings',
  hooks: 'billing/payments billing/plans billing/subscriptions licenses reports',
  jobs: 'accounts analytics billing/events billing/run billing/tax licenses mail system',
  licenses: 'billing/plans customers products settings',
  mail: 'billing/events billing/invoice-views billing/invoices billing/subscriptions customers outbox settings',
  main: 'accounts app config jobs licenses runtime settings',
  migrations: '',
  outbox: '',
  platform: 'migrations',
  products: 'settings',
  providers: '',
  reports:
    'billing/credits billing/invoices billing/ledger billing/mrr billing/payments billing/subscriptions billing/usage customers licenses products',
  runtime: 'accounts billing/events hooks mail',
  settings: 'providers',
  system: '',
};

/**
 * The tiers, from the ground up: a feature knows those of lower tiers and, without going round in circles, its own. What
 * it needs of those above it is a hook (`src/hooks.ts`).
 */
const TIERS: [string, string][] = [
  ['machine', 'platform migrations outbox'],
  ['ground', 'providers settings billing/pricing billing/events'],
  ['catalogue', 'products billing/plans billing/coupons billing/tax-rules customers accounts'],
  [
    'money',
    'billing/billing billing/ledger billing/numbers billing/tax billing/credits billing/invoices billing/payments billing/credit-notes billing/refunds billing/invoice-views billing/mrr billing/metering',
  ],
  ['selling', 'billing/subscriptions billing/usage billing/run'],
  ['licences', 'licenses'],
  ['telling', 'mail reports analytics system billing/audit billing/coverage'],
  ['wiring', 'cron hooks config runtime jobs app main cli'],
];

describe('tiers', () => {
  const tierOf = (feature: string) => TIERS.findIndex(([, features]) => features.split(' ').includes(feature));
  const arrows = Object.entries(MAY_IMPORT).flatMap(([from, others]) =>
    others
      .split(' ')
      .filter(Boolean)
      .map((to) => [from, to] as const),
  );

  test('every feature stands in one', () => {
    expect(Object.keys(MAY_IMPORT).filter((feature) => tierOf(feature) < 0)).toEqual([]);
    const all = TIERS.flatMap(([, features]) => features.split(' '));
    expect(all.filter((feature) => !(feature in MAY_IMPORT))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
  });

  test('nothing points up', () => {
    const up = arrows.filter(([from, to]) => tierOf(to) > tierOf(from)).map(([from, to]) => `${from} -> ${to}`);
    expect(up).toEqual(['platform -> migrations'].filter((arrow) => up.includes(arrow)));
  });

  test('no feature comes back to itself', () => {
    const back = arrows.filter(([from, to]) => reaches(to, from)).map(([from, to]) => `${from} -> ${to}`);
    expect(back.filter((arrow) => !/^(platform -> migrations|migrations -> platform)$/.test(arrow))).toEqual([]);
  });

  function reaches(from: string, goal: string, seen = new Set<string>()): boolean {
    if (from === goal) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return (MAY_IMPORT[from] ?? '').split(' ').some((next) => next !== '' && reaches(next, goal, seen));
  }

  test('the map of the README names each folder of src, and each heavy folder has a page at its door', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const map = readme.slice(readme.indexOf('## What is where'), readme.indexOf('The URL names the folder'));
    const folders = new Set(
      files.map(({ path }) => path.split('/')).flatMap(([, first, rest]) => (rest ? [first!] : [])),
    );
    expect([...folders].filter((folder) => !map.includes(`${folder}/`))).toEqual([]);
    const sizes = Map.groupBy(files, ({ path }) => path.slice(0, path.lastIndexOf('/')));
    const heavy = [...sizes].filter(([folder, inside]) => inside.length > 12 && folder !== 'src/migrations');
    const bare = heavy.filter(([folder]) => globSync(`${folder}/README.md`).length === 0);
    expect(bare.map(([folder]) => folder)).toEqual([]);
    expect(heavy.length).toBeGreaterThan(3);
  });

  test('docs/ARCHITECTURE.md names each tier with its features', () => {
    const text = readFileSync(new URL('../docs/ARCHITECTURE.md', import.meta.url), 'utf8');
    const rows = TIERS.map(([tier, features]) => `| ${tier} | ${features.split(' ').map(shortName).join(', ')} |`);
    expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  });
});

const shortName = (feature: string) => `\`${feature.replace('billing/', '')}\``;

describe('imports', () => {
  test('each feature imports exactly those that the table names', () => {
    const found: Record<string, Set<string>> = {};
    for (const { path, imports } of files) {
      const mine = featureOf(path);
      found[mine] ??= new Set();
      for (const name of imports.filter((one) => /^(src|generated)\//.test(one)))
        if (![mine, 'platform', 'generated'].includes(featureOf(name))) found[mine].add(featureOf(name));
    }
    const table = (entries: [string, Iterable<string>][]) =>
      Object.fromEntries(entries.map(([name, others]) => [name, [...others].filter(Boolean).sort()]));
    expect(table(Object.entries(found))).toEqual(
      table(Object.entries(MAY_IMPORT).map(([name, others]) => [name, others.split(' ')])),
    );
  });

  test('the platform knows no feature', () => {
    const allowed = /^(src\/platform|src\/migrations|generated)\//;
    const others = files
      .filter(({ path }) => path.startsWith('src/platform/'))
      .flatMap(({ path, imports }) =>
        imports.filter((one) => /^(src|generated)\//.test(one) && !allowed.test(one)).map((one) => `${path} -> ${one}`),
      );
    expect(others).toEqual([]);
  });

  test('nothing outside its folder names a provider', () => {
    const folders = globSync('src/providers/*/provider.ts').map((path) => path.split('/')[2]!);
    expect(folders.length).toBeGreaterThan(3);
    const names = new RegExp(folders.join('|'), 'i');
    // what is released stays as it is; the demo data are those of a company that uses one
    const own = /^src\/(providers\/list\.ts$|migrations\/00(01|02|04|05|14|33)-)|^scripts\/seed\//;
    const others = globSync(['src/**/*.ts', 'scripts/**/*.ts'])
      .filter((path) => !own.test(path))
      .filter((path) => {
        const home = /^src\/providers\/(\w+)\//.exec(path)?.[1];
        const foreign = home ? new RegExp(folders.filter((one) => one !== home).join('|'), 'i') : names;
        return foreign.test(path) || foreign.test(readFileSync(path, 'utf8'));
      });
    expect(others).toEqual([]);
  });

  test('a provider knows the contract of providers and the platform, and only the wiring list knows it', () => {
    const inside = files.filter(({ path }) => /^src\/providers\/\w+\//.test(path));
    const allowed = (path: string) =>
      new RegExp(`^(${path.replace(/[^/]+$/, '')}|src/platform/|src/providers/(provider|tax)\\.ts$|node:)`);
    expect(inside.flatMap(({ path, imports }) => imports.filter((one) => !allowed(path).test(one)))).toEqual([]);
    const users = files.filter(
      ({ path, imports }) =>
        !inside.some((one) => one.path === path) && imports.some((one) => inside.some(({ path: p }) => p === one)),
    );
    expect(users.map(({ path }) => path)).toEqual(['src/providers/list.ts']);
  });

  test('pricing is pure: itself, the pure files of the platform, and a hash', () => {
    const pure =
      /^src\/(billing\/pricing\/\w|platform\/(calendar|money|decimal|errors|fields|currencies|ranges|memo)\.ts)/;
    const impure = files
      .filter(({ path }) => path.startsWith('src/billing/pricing/'))
      .flatMap(({ path, imports }) => imports.filter((one) => !pure.test(one)).map((one) => `${path} -> ${one}`));
    expect(impure).toEqual(['src/billing/pricing/explain.ts -> node:crypto']);
    expect(files.filter(({ path }) => path.startsWith('src/billing/pricing/')).length).toBeGreaterThan(5);
  });

  test('the pure files of the platform and the nouns import nothing that reads or writes', () => {
    const nouns = files.filter(
      ({ path }) => isNoun(path) || /^src\/platform\/(calendar|money|decimal)\.ts$/.test(path),
    );
    expect(nouns.length).toBeGreaterThan(8);
    const impure = nouns.flatMap(({ path, imports }) =>
      imports
        .filter((one) => /^(node:|knex|express)|\/(db|http)\/|store\.ts$|handlers\.ts$|clock\.ts$/.test(one))
        .map((one) => `${path} -> ${one}`),
    );
    expect(impure).toEqual([]);
  });

  test('what decides about subscriptions is pure: itself, prices, nouns and pure files of the platform', () => {
    const pure =
      /^src\/(billing\/(pricing\/|subscriptions\/(lifecycle\/|subscription\.ts)|invoices\/invoice\.ts)|platform\/(calendar|changes|decimal|errors|money)\.ts)/;
    const mine = files.filter(({ path }) => path.startsWith('src/billing/subscriptions/lifecycle/'));
    expect(mine.length).toBeGreaterThan(8);
    const impure = mine.flatMap(({ path, runtimeImports }) =>
      runtimeImports.filter((one) => !pure.test(one)).map((one) => `${path} -> ${one}`),
    );
    expect(impure).toEqual([]);
  });

  test('no file imports itself through others, types aside', () => {
    expect(cycles()).toEqual([]);
  });

  test('only db/ speaks Knex and the drivers, only http/ and the documentation page speak Express', () => {
    const speakers = (names: RegExp) =>
      files.filter(({ imports }) => imports.some((one) => names.test(one))).map(({ path }) => path);
    expect(speakers(/^(knex|pg|better-sqlite3)(\/|$)/).filter((path) => !path.startsWith('src/platform/db/'))).toEqual(
      [],
    );
    const express = speakers(/^express(\/|$)/).filter((path) => !path.startsWith('src/platform/http/'));
    expect(express).toEqual(['src/app.ts', 'src/system/docs.ts']);
  });
});

/** `src/billing/plans/plan.ts`: the singular of its folder. */
function isNoun(path: string): boolean {
  const [, folder, name] = /([\w-]+)\/([\w-]+)\.ts$/.exec(path) ?? [];
  return folder !== undefined && folder !== 'migrations' && folder === `${name}s`;
}

/** The first way around from each file that can reach itself. */
function cycles(): string[][] {
  const done = new Set<string>();
  const found: string[][] = [];
  const visit = (path: string, way: string[]): void => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path]);
    if (done.has(path) || way.includes(path)) return;
    for (const next of byPath.get(path)?.runtimeImports ?? []) if (byPath.has(next)) visit(next, [...way, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}

describe('one home each', () => {
  const outside = (homes: string[], matches: Parameters<typeof placesOf>[1]): string[] =>
    files.filter(({ path }) => !homes.includes(path)).flatMap((file) => placesOf(file, matches));

  test('the clock of the machine', () => {
    const home = ['src/platform/clock.ts'];
    expect(outside(home, isMember('Date', 'now'))).toEqual([]);
    expect(outside(home, isNewDate)).toEqual([]);
    expect(outside(home, isMember('Temporal', 'Now'))).toEqual([]);
    expect(placesOf(byPath.get(home[0]!)!, isMember('Date', 'now'))).not.toEqual([]);
  });

  test('the environment', () => {
    expect(outside(['src/platform/config.ts'], isMember('process', 'env'))).toEqual([]);
    expect(placesOf(byPath.get('src/platform/config.ts')!, isMember('process', 'env'))).not.toEqual([]);
  });

  /** A handler in a transaction or snapshot that asks for a second connection can wait for ever. */
  test('the handles of the database: never in handlers, but where an operation is `manual`', () => {
    const handlers = files.filter(({ path }) => path.endsWith('handlers.ts'));
    const named = (text: RegExp) => handlers.filter((file) => text.test(file.text)).map(({ path }) => path);
    expect(named(/\bdatabase\./)).toEqual(['src/billing/run/handlers.ts', 'src/licenses/checks/check-handlers.ts']);
    expect(named(/\bsnapshot\b/)).toEqual([
      'src/billing/invoice-views/handlers.ts',
      'src/licenses/checks/check-handlers.ts',
      'src/system/handlers.ts',
    ]);
  });

  test('chance: ids and secrets come from node:crypto, never from Math.random', () => {
    expect(outside([], isMember('Math', 'random'))).toEqual([]);
  });

  test('what is printed: the log, and the command line', () => {
    const commands = files.filter(({ path }) => path.startsWith('src/cli/')).map(({ path }) => path);
    expect(outside(commands, isMember('console'))).toEqual([]);
  });
});

describe('size and form', () => {
  test('files have fewer than 250 lines', () => {
    const lines = ({ text }: SourceFile) => text.split('\n').length - 1;
    expect(files.filter((file) => lines(file) >= 250).map((file) => `${file.path}: ${lines(file)}`)).toEqual([]);
  });

  test('functions have fewer than 50 lines', () => {
    const long = files.flatMap(functionsOf).filter(({ lines }) => lines >= 50);
    expect(long.map(({ place, lines }) => `${place}: ${lines}`)).toEqual([]);
  });

  test('no `any` without a reason written above it', () => {
    const unexplained = files.flatMap((file) =>
      placesOf(file, isAny).filter((place) => {
        const above = file.text.split('\n')[Number(place.split(':')[1]) - 2] ?? '';
        return !/biome-ignore lint\/suspicious\/noExplicitAny: \S+ \S+/.test(above);
      }),
    );
    expect(unexplained).toEqual([]);
  });

  test('no default export, no barrel', () => {
    const exportsDefault = files.filter(({ text }) => /^export default/m.test(text)).map(({ path }) => path);
    const barrels = files.filter(({ text }) => /^export \*/m.test(text)).map(({ path }) => path);
    expect([exportsDefault, barrels]).toEqual([[], []]);
  });
});
