import type { Answer } from './app.ts';

/** How many of the answers have each status and error code: `{ '201': 1, '409 conflict': 7 }`. */
export function tally(answers: Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const name = status < 400 ? String(status) : `${status} ${body.error}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Runs `times` calls at once. */
export const atOnce = <T>(times: number, call: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, n) => call(n)));
