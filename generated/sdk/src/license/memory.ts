import type { OnlineRefusal } from './online.ts';
import { isObject } from './payload.ts';
import { isState, type LicenseState } from './state.ts';

/** The last word of the server about one licence on this machine. */
interface LastAnswer {
  deviceId: string;
  /** Unix seconds. */
  at: number;
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
  (value.refusal === undefined || typeof value.refusal === 'string');

export const answerFor = (memory: Memory, licenseKey: string): LastAnswer | undefined =>
  Object.hasOwn(memory.answers, licenseKey) ? memory.answers[licenseKey] : undefined;

export const withAnswer = (memory: Memory, licenseKey: string, answer: LastAnswer): Memory => ({
  ...memory,
  answers: { ...memory.answers, [licenseKey]: answer },
});
