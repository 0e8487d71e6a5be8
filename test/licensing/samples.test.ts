import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { programPath, readVector, VECTORS, type Vector, vectors } from '../support/licensing.ts';

// The samples of docs/licensing/format.md against the vectors, each where its language is installed; nothing needs one.
// Python always; the slow ones (a compiler, many processes) with LICENSE_SAMPLES=on.

const SAMPLES = join(VECTORS, '../samples');
const slow = process.env.LICENSE_SAMPLES === 'on';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'license-samples-'));
  cpSync(SAMPLES, folder, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function installed(program: string, ...args: string[]): boolean {
  const path = programPath(program);
  return path !== undefined && spawnSync(path, args, { timeout: 20_000 }).status === 0;
}

/** The samples leave the licence key to their caller, and get their state with its types. */
const common = vectors.filter(({ expect: { reason } }) => reason !== 'wrong_license' && reason !== 'bad_state');
const answerOf = ({ id, expect: { valid, reason } }: Vector) => [id, valid ? 'valid' : reason];

/** What the samples say is to be stored, where a vector says it. */
const stored = common.filter(({ expect: { state } }) => state !== undefined);

/** Runs a sample that prints, for each vector, its id, the answer and the state to store as JSON; all must be right. */
function expectVectors(command: string, args: string[]): void {
  const found = answers(command, args);
  expect(found.map(([id, answer]) => [id, answer])).toEqual(common.map(answerOf));
  const states = new Map(found.map(([id, , state]) => [id, state]));
  expect(stored.map(({ id }) => [id, JSON.parse(states.get(id) ?? 'null')])).toEqual(
    stored.map(({ id, expect: { state } }) => [id, state]),
  );
  expect(stored.length).toBeGreaterThan(15);
}

/** What the sample prints for each vector. */
function answers(command: string, args: string[]): string[][] {
  const env = { ...process.env, VECTORS, GO111MODULE: 'off', PYTHONDONTWRITEBYTECODE: '1' };
  const { stdout, stderr, status } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', env });
  expect([status, stderr]).toEqual([0, '']);
  const ids = new Set(common.map(({ id }) => id));
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([id]) => ids.has(id!));
}

describe('the samples', () => {
  const python = installed('python3', '-c', 'import cryptography') ? test : test.skip;
  python('Python', () => {
    const code = `
import json, os, verify
root = os.environ["VECTORS"]
read = lambda name: open(os.path.join(root, name), "rb").read()
for v in json.loads(read("index.json"))["vectors"]:
    seen = v["state"] if v["expect"].get("reason") != "bad_state" else None
    trusted = [key["x"] for key in json.loads(read(v["keys"]))["keys"]]
    answer, licence = verify.verify(read(v["file"]), trusted, v["productId"], v["nowUnix"], v["graceDays"], seen)
    after = verify.remember(seen, licence, v["nowUnix"]) if licence else seen
    print(v["id"], answer, json.dumps(after, separators=(",", ":")))
`;
    expectVectors('python3', ['-c', code]);
  });

  const go = slow && installed('go', 'version') ? test : test.skip;
  go(
    'Go',
    () => {
      const main = `
package main
import ("encoding/json"; "fmt"; "os"; "path/filepath"; license "./license")
func read(name string) []byte { all, _ := os.ReadFile(filepath.Join(os.Getenv("VECTORS"), name)); return all }
func main() {
  var index struct { Vectors []struct { Id, File, Keys, ProductId string; NowUnix, GraceDays float64; State json.RawMessage } }
  if err := json.Unmarshal(read("index.json"), &index); err != nil { panic(err) }
  for _, v := range index.Vectors {
    var set struct { Keys []struct { X string } }
    json.Unmarshal(read(v.Keys), &set)
    var trusted []string
    for _, key := range set.Keys { trusted = append(trusted, key.X) }
    var seen map[string]license.Seen
    json.Unmarshal(v.State, &seen)
    answer, payload := license.Verify(read(v.File), trusted, v.ProductId, v.NowUnix, v.GraceDays, seen)
    if payload != nil { seen = license.Remember(seen, payload, v.NowUnix) }
    after, _ := json.Marshal(seen)
    fmt.Println(v.Id, answer, string(after))
  }
}`;
      cpSync(join(folder, 'verify.go'), join(folder, 'license/verify.go'));
      writeFileSync(join(folder, 'main.go'), main);
      expectVectors('go', ['run', 'main.go']);
    },
    300_000,
  );

  const php = slow && installed('php', '-r', 'exit(function_exists("sodium_base642bin") ? 0 : 1);') ? test : test.skip;
  php('PHP', () => {
    const code = `
require 'verify.php';
$read = fn ($name) => file_get_contents(getenv('VECTORS') . '/' . $name);
foreach (json_decode($read('index.json'), true)['vectors'] as $v) {
    $trusted = array_column(json_decode($read($v['keys']), true)['keys'], 'x');
    $seen = ($v['expect']['reason'] ?? '') !== 'bad_state' && is_array($v['state']) ? $v['state'] : [];
    [$answer, $licence] = verify($read($v['file']), $trusted, $v['productId'], $v['nowUnix'], $v['graceDays'], $seen);
    $after = $licence === null ? $seen : remember($seen, $licence, $v['nowUnix']);
    echo $v['id'], ' ', $answer, ' ', json_encode($after), "\\n";
}`;
    expectVectors('php', ['-r', code]);
  });

  const openssl = spawnSync(programPath('openssl') ?? 'false', ['version'], { encoding: 'utf8' }).stdout ?? '';
  const shell = slow && /^OpenSSL ([3-9]|\d\d)\./.test(openssl) && programPath('jq') ? test : test.skip;
  shell(
    'shell, which knows one key and dates only',
    () => {
      const fit = common.filter(
        ({ id, keys, state, graceDays, expect: { reason } }) =>
          keys.includes('one') &&
          state === null &&
          graceDays === 0 &&
          reason !== 'clock_rolled_back' &&
          !id.startsWith('signed-') &&
          !id.startsWith('kid-'),
      );
      const found = fit.map(({ id, file, productId, now }) => {
        const args = [join(VECTORS, file), join(VECTORS, 'keys/a.pem'), productId, now.slice(0, 10)];
        const { stdout, stderr, status } = spawnSync(join(folder, 'verify.sh'), args, { encoding: 'utf8' });
        return [id, stdout.trim(), status, stderr];
      });
      const wanted = fit.map((vector) => {
        const { valid, reason } = vector.dateOnly ?? vector.expect;
        const answer = valid ? 'valid' : reason === 'unknown_key' ? 'bad_signature' : reason;
        return [vector.id, answer, valid ? 0 : 1, ''];
      });
      expect(found).toEqual(wanted);
      expect(wanted.length).toBeGreaterThan(70);
    },
    300_000,
  );

  shell('shell, which remembers what it has seen', () => {
    const state = join(folder, 'state.json');
    const run = (id: string, today: string) => {
      const args = [join(VECTORS, `files/${id}.lic`), join(VECTORS, 'keys/a.pem'), common[0]!.productId, today, state];
      return spawnSync(join(folder, 'verify.sh'), args, { encoding: 'utf8' }).stdout.trim();
    };
    expect(run('rules', '2026-06-01')).toBe('valid');
    expect(run('rules', '2026-05-31')).toBe('valid');
    expect(run('rules', '2026-05-29')).toBe('clock_rolled_back');
    expect(run('rules', '2027-01-16')).toBe('expired');
    expect(run('rules', '2026-06-01')).toBe('expired');
    expect(run('expired-renewed', '2027-02-02')).toBe('valid');
    expect(run('rules', '2027-02-02')).toBe('expired');
    const seen = JSON.parse(readFileSync(state, 'utf8'));
    writeFileSync(
      state,
      JSON.stringify({ [Object.keys(seen)[0]!]: { ...Object.values<object>(seen)[0], revoked: true } }),
    );
    expect(run('expired-renewed', '2027-02-02')).toBe('revoked');
    writeFileSync(state, 'not JSON');
    expect(run('expired-renewed', '2027-02-02')).toBe('bad_state');
    expect(readFileSync(state, 'utf8')).toBe('not JSON');
  });
});

describe('what a date-only verifier answers', () => {
  const days = vectors.filter(
    ({ expect: { valid, reason, inGracePeriod } }) => (valid || reason === 'expired') && !inGracePeriod,
  );
  test.each(days)('$id', (vector) => {
    const payload = /LICENSE-----([^-]*)/.exec(readVector(vector.file).toString())![1]!;
    const { expiresAt } = JSON.parse(Buffer.from(payload, 'base64').toString());
    const last = new Date(Date.parse(expiresAt) + vector.graceDays * 86_400_000);
    const day = vector.now.slice(0, 10);
    const accepts = expiresAt === '9999-12-31' || day <= last.toISOString().slice(0, 10);
    expect(accepts).toBe((vector.dateOnly ?? vector.expect).valid);
  });
});
