import { expect } from '@jest/globals';
import type { Answer } from './app.ts';

/** The answer is this refusal, and names exactly these members. */
export function expectRefusal(answer: Answer, status: number, error: string, ...fields: string[]): void {
  expect({ status: answer.status, error: answer.body.error }).toEqual({ status, error });
  expect(answer.body.requestId).toBe(answer.headers['x-request-id']);
  if (fields.length > 0) expect(Object.keys(answer.body.fields).sort()).toEqual([...fields].sort());
}

export const UNKNOWN_ID = '01JQX5M3K9HZNGVX2Z66Z1C02N';
