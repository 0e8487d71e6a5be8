import type { OnlineAnswer, OnlineRefusal } from './online.ts';
import { isObject } from './payload.ts';
import { hear, isState, type LicenseState, mergeLicenseStates } from './state.ts';

/** The last word of the server about one licence on this machine. */
interface LastAnswer {
  deviceId: string;
  /** This machine's clock then, in Unix seconds. */
  at: number;
  /** The latest time of this machine's clock at a check without the server since then. */
  latest?: number;
  refusal?: OnlineRefusal;
}

/** What a checker keeps between two runs. */
export interface Memory {
  state: LicenseState | null;
  answers: Readonly<Record<string, LastAnswer>>;
}

export const emptyMemory: Memory = { state: null, answers: {} };

/** Reads what was stored; undefined when it is not what a checker writes. */
export function readMemory(text: string | null): Memory | undefined {
  if (text === null) return emptyMemory;
  try {
    const value: unknown = JSON.parse(text);
    return isMemory(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isMemory = (value: unknown): value is Memory =>
  isObject(value) &&
  (value.state === null || isState(value.state)) &&
  isObject(value.answers) &&
  Object.values(value.answers).every(isAnswer);

const isAnswer = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.deviceId === 'string' &&
  Number.isSafeInteger(value.at) &&
  (value.latest === undefined || Number.isSafeInteger(value.latest)) &&
  (value.refusal === undefined || typeof value.refusal === 'string');

export const answerFor = (memory: Memory, licenseKey: string): LastAnswer | undefined =>
  Object.hasOwn(memory.answers, licenseKey) ? memory.answers[licenseKey] : undefined;

/** After an answer of the server, which was got at `at` by this machine's clock (Unix seconds). */
export function withAnswer(
  memory: Memory,
  licenseKey: string,
  deviceId: string,
  answer: OnlineAnswer,
  at: number,
): Memory {
  const last: LastAnswer = answer.valid ? { deviceId, at } : { deviceId, at, refusal: answer.reason };
  const revoked = !answer.valid && answer.reason === 'license_revoked';
  return {
    state: hear(memory.state, licenseKey, { valid: answer.valid, revoked, time: answer.checkedAt }),
    answers: { ...memory.answers, [licenseKey]: last },
  };
}

/** After a check without the server. */
export function withoutAnswer(memory: Memory, licenseKey: string, state: LicenseState | null, at: number): Memory {
  const last = answerFor(memory, licenseKey);
  if (!last || at <= (last.latest ?? last.at)) return state === memory.state ? memory : { ...memory, state };
  return { state, answers: { ...memory.answers, [licenseKey]: { ...last, latest: at } } };
}

/** What two processes have stored: of each licence the later answer, a refusal when they are of one time. */
export function mergeMemories(a: Memory, b: Memory): Memory {
  const answers: Record<string, LastAnswer> = { ...a.answers };
  for (const [key, answer] of Object.entries(b.answers)) {
    const other = Object.hasOwn(answers, key) ? answers[key] : undefined;
    if (!other || answer.at > other.at || (answer.at === other.at && other.refusal === undefined))
      answers[key] = answer;
  }
  return { state: mergeLicenseStates(a.state, b.state), answers };
}
