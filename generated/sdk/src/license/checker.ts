import { type LicensePublicKeys, readPublicKeys } from './keys.ts';
import { answerFor, emptyMemory, type Memory, mergeMemories, readMemory, withAnswer, withoutAnswer } from './memory.ts';
import { askServer, type OnlineAnswer, type OnlineRefusal, type Question } from './online.ts';
import { type LicenseRefusal, verifyLicenseFile } from './verify.ts';
import { createWatch, isWithin, type Moment } from './watch.ts';

export interface CheckerOptions {
  /** Origin of the RustBill server, `https://…`. */
  baseUrl: string;
  licenseKey: string;
  productId: string;
  /** What tells this device from others, the same at every start, 1 to 255 characters. */
  deviceId: string;
  deviceName?: string;
  /** Built into the product; used for the file. */
  publicKeys: LicensePublicKeys;
  /** The licence file, null when there is none. Without one the product needs the server at every start. */
  readFile?: () => string | null | Promise<string | null>;
  /** One text, kept where it survives restarts and belongs to this device. `load` answers null at the very first start. */
  storage: { load(): string | null | Promise<string | null>; save(text: string): void | Promise<void> };
  /** How long the server may take, in milliseconds; 5000 when absent. */
  timeoutMs?: number;
  /** For how long a good answer of the server is not asked for again while the product runs; 60 when absent. */
  askEveryMinutes?: number;
  /** Days that an expired file is still accepted, 0 when absent. */
  graceDays?: number;
  /** After so many days without the server the file is not enough any more; no limit when absent. */
  maxOfflineDays?: number;
  fetch?: typeof fetch;
  now?: () => Date;
  /** Milliseconds of a clock that nobody sets and that never stands still; `performance.now` when absent. */
  elapsed?: () => number;
}

export type CheckerRefusal =
  | LicenseRefusal
  | OnlineRefusal
  | 'offline_without_file'
  | 'not_activated'
  | 'offline_too_long'
  | 'storage_failed';

/** `source` tells who decided: the server now, what it said last, or the file. */
export type CheckResult =
  | { valid: true; source: 'online'; entitlements: Record<string, unknown>; expiresAt: string | null }
  | { valid: true; source: 'file'; entitlements: Record<string, unknown>; expiresAt: string; inGracePeriod: boolean }
  | { valid: false; source: 'online' | 'remembered' | 'file'; reason: CheckerRefusal };

export interface LicenseChecker {
  check(): Promise<CheckResult>;
}

const DAY = 86_400;
/** So long a server that did not answer is left alone: nobody waits for its timeout at every check. */
const RETRY_MS = 60_000;

const RANGES = {
  timeoutMs: [1, 600_000],
  askEveryMinutes: [0, 10_080],
  graceDays: [0, 3650],
  maxOfflineDays: [0, Number.POSITIVE_INFINITY],
} as const;

/**
 * Asks the server (`POST /api/licenses/validate`), which registers the device; where there is no answer, the signed file
 * decides. Nothing that is stored can make a licence valid: it only remembers refusals, activations and the state of
 * `verifyLicenseFile`. Throws a TypeError when an option is wrong; `check` answers whatever happens.
 */
export function createLicenseChecker(options: CheckerOptions): LicenseChecker {
  const setup = checkSetup(options);
  const watch = createWatch(setup);
  let running: Promise<CheckResult> | undefined;
  let fresh: { from: Moment; result: CheckResult } | undefined;
  let unanswered: Moment | undefined;

  async function run(): Promise<CheckResult> {
    const now = watch.read();
    if (fresh && isWithin(setup.askEveryMs, fresh.from, now)) return fresh.result;
    const wait = unanswered !== undefined && isWithin(RETRY_MS, unanswered, now);
    const answer = wait ? undefined : await askServer(setup.question);
    if (!wait) unanswered = answer ? undefined : now;
    if (answer?.valid) watch.trust(now);
    const result = await decide(setup, answer, new Date(answer?.valid ? now.clock : now.latest));
    fresh = result.valid && result.source === 'online' ? { from: now, result } : undefined;
    return result;
  }

  return {
    check() {
      running ??= run().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

type Setup = ReturnType<typeof checkSetup>;

/** What is stored, and the text it was read from. */
interface Loaded {
  text: string | null;
  memory: Memory | 'bad_state';
}

async function decide(setup: Setup, answer: OnlineAnswer | undefined, now: Date): Promise<CheckResult> {
  const loaded = await load(setup);
  if (loaded === 'storage_failed') return { valid: false, source: answer ? 'online' : 'file', reason: loaded };
  return answer ? online(setup, answer, loaded, now) : offline(setup, loaded, now);
}

const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1000);

async function online(setup: Setup, answer: OnlineAnswer, loaded: Loaded, now: Date): Promise<CheckResult> {
  const { licenseKey, deviceId } = setup;
  const before = loaded.memory === 'bad_state' ? emptyMemory : loaded.memory;
  const next = withAnswer(before, licenseKey, deviceId, answer, secondsOf(now));
  const saved = await save(setup, loaded, next);
  if (!answer.valid) return { valid: false, source: 'online', reason: answer.reason };
  if (!saved) return { valid: false, source: 'online', reason: 'storage_failed' };
  return { valid: true, source: 'online', entitlements: answer.entitlements, expiresAt: answer.expiresAt };
}

async function offline(setup: Setup, loaded: Loaded, now: Date): Promise<CheckResult> {
  const refuse = (reason: CheckerRefusal): CheckResult => ({ valid: false, source: 'file', reason });
  const { memory } = loaded;
  if (memory === 'bad_state') return refuse(memory);
  const last = answerFor(memory, setup.licenseKey);
  if (last?.refusal) return { valid: false, source: 'remembered', reason: last.refusal };
  const file = await readFile(setup);
  if (file === null) return refuse('offline_without_file');
  const { publicKeys, productId, licenseKey, graceDays } = setup;
  const result = await verifyLicenseFile(file, {
    publicKeys,
    productId,
    licenseKey,
    graceDays,
    now,
    state: memory.state,
  });
  const next = withoutAnswer(memory, licenseKey, result.state, secondsOf(now));
  const saved = next === memory || (await save(setup, loaded, next));
  if (!result.valid) return refuse(result.reason);
  if (!saved) return refuse('storage_failed');
  if (last?.deviceId !== setup.deviceId) return refuse('not_activated');
  const latest = Math.max(last.latest ?? last.at, now.getTime() / 1000);
  if (now.getTime() / 1000 < latest - DAY) return refuse('clock_rolled_back');
  if (latest - last.at > setup.maxOfflineDays * DAY) return refuse('offline_too_long');
  const { entitlements, expiresAt } = result.license;
  return { valid: true, source: 'file', entitlements, expiresAt, inGracePeriod: result.inGracePeriod };
}

async function readFile({ readFile }: Setup): Promise<string | null> {
  try {
    return (await readFile?.()) ?? null;
  } catch {
    return null;
  }
}

async function load({ storage }: Setup): Promise<Loaded | 'storage_failed'> {
  try {
    const text = (await storage.load()) ?? null;
    return { text, memory: readMemory(text) ?? 'bad_state' };
  } catch {
    return 'storage_failed';
  }
}

/** What another process has stored meanwhile is kept as well. */
async function save(setup: Setup, loaded: Loaded, memory: Memory): Promise<boolean> {
  const stored = await load(setup);
  const foreign = stored !== 'storage_failed' && stored.text !== loaded.text ? stored.memory : 'bad_state';
  try {
    await setup.storage.save(JSON.stringify(foreign === 'bad_state' ? memory : mergeMemories(foreign, memory)));
    return true;
  } catch {
    return false;
  }
}

function checkSetup(options: CheckerOptions) {
  const { productId, deviceId, deviceName, publicKeys, readFile, storage, now = () => new Date() } = options;
  const { elapsed = () => performance.now() } = options;
  if (typeof options.licenseKey !== 'string') throw new TypeError('licenseKey is a text.');
  for (const name of ['productId', 'deviceId'] as const) {
    const value = options[name];
    if (typeof value !== 'string' || value === '' || value.length > 255)
      throw new TypeError(`${name} is a text of 1 to 255 characters.`);
  }
  const number = (name: keyof typeof RANGES, otherwise: number): number => {
    const value = options[name] ?? otherwise;
    const [least, most] = RANGES[name];
    if (typeof value !== 'number' || !(value >= least && value <= most))
      throw new TypeError(`${name} is a number from ${least} to ${most}.`);
    return value;
  };
  if (typeof storage?.load !== 'function' || typeof storage.save !== 'function')
    throw new TypeError('storage has load and save.');
  readPublicKeys(publicKeys);
  const licenseKey = options.licenseKey.trim().toUpperCase();
  const question: Question = {
    url: validateUrl(options.baseUrl),
    body: { licenseKey, deviceId, ...(deviceName === undefined ? {} : { deviceName }), productId },
    timeoutMs: number('timeoutMs', 5000),
    fetch: options.fetch ?? globalThis.fetch,
  };
  return {
    question,
    licenseKey,
    productId,
    deviceId,
    publicKeys,
    storage,
    now,
    elapsed,
    readFile,
    askEveryMs: number('askEveryMinutes', 60) * 60_000,
    graceDays: number('graceDays', 0),
    maxOfflineDays: number('maxOfflineDays', Number.POSITIVE_INFINITY),
  };
}

/** The answers are not signed: they are worth what TLS is worth. Plain HTTP is for this machine only. */
function validateUrl(baseUrl: string): string {
  const address = `${baseUrl.replace(/\/+$/, '')}/api/licenses/validate`;
  if (!URL.canParse(address)) throw new TypeError('baseUrl is not a URL.');
  const url = new URL(address);
  const here = url.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !here) throw new TypeError('baseUrl is an https origin.');
  return url.href;
}
