import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { broken } from './license-vectors/broken.ts';
import { genuine } from './license-vectors/genuine.ts';
import { judged } from './license-vectors/judged.ts';
import { keys } from './license-vectors/keys.ts';
import type { Vector } from './license-vectors/vector.ts';

// Rewrites docs/licensing/vectors. With --check it only compares, and fails when they are stale.

const TARGET = join(import.meta.dirname, '../docs/licensing/vectors');

const KEY_SETS = { one: [keys.a], rotated: [keys.c, keys.b, keys.a] };

const entry = ({ file: _, ...vector }: Vector) => {
  const { id, title, keys: set, now, ...given } = vector;
  return {
    id,
    title,
    file: `files/${id}.lic`,
    keys: `keys/${set}.jwks.json`,
    now,
    nowUnix: Date.parse(now) / 1000,
    ...given,
  };
};

const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function files(): Map<string, Buffer> {
  const vectors = [...genuine, ...broken, ...judged];
  const repeated = vectors.map(({ id }) => id).filter((id, index, all) => all.indexOf(id) !== index);
  if (repeated.length > 0) throw new Error(`Vectors of one id: ${repeated}`);
  const all: [string, string | Buffer][] = [
    ['index.json', text({ vectors: vectors.map(entry) })],
    ...vectors.map(({ id, file }): [string, string | Buffer] => [`files/${id}.lic`, file]),
    ...Object.values(keys).map(({ name, pem }): [string, string] => [`keys/${name}.pem`, pem]),
    ...Object.entries(KEY_SETS).map(([name, set]): [string, string] => [
      `keys/${name}.jwks.json`,
      text({ keys: set.map(({ jwk }) => jwk) }),
    ]),
  ];
  return new Map(all.map(([name, content]) => [name, Buffer.from(content)]));
}

function stale(fresh: Map<string, Buffer>): string[] {
  const present = readdirSync(TARGET, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name).slice(TARGET.length + 1));
  const same = (name: string): boolean =>
    present.includes(name) && (fresh.get(name)?.equals(readFileSync(join(TARGET, name))) ?? false);
  return [...new Set([...fresh.keys(), ...present])].filter((name) => !same(name));
}

const fresh = files();
if (process.argv.includes('--check')) {
  const names = stale(fresh);
  if (names.length > 0) {
    console.error(`docs/licensing/vectors is stale: ${names.join(', ')}. Run node scripts/license-vectors.ts.`);
    process.exitCode = 1;
  }
} else {
  rmSync(TARGET, { recursive: true, force: true });
  for (const [name, content] of fresh) {
    mkdirSync(dirname(join(TARGET, name)), { recursive: true });
    writeFileSync(join(TARGET, name), content);
  }
  const hash = createHash('sha256').update(fresh.get('files/rules.lic')!).digest('hex');
  console.log(`${fresh.size} files; rules.lic is ${hash}`);
}
