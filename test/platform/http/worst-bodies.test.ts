import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/platform/errors.ts';
import { BODY_BYTES, parseJson } from '../../../src/platform/http/body.ts';
import { createRequestValidation } from '../../../src/platform/http/validation.ts';
import { counting } from '../../support/counting.ts';
import { contract, operations } from '../../support/document.ts';
import { worstBodies } from '../../support/worst-bodies.ts';

/**
 * Time cannot be asserted, work can: what a body costs is how many values reach the validation, how often it looks at
 * them, and how much it tells. `bench/limits` measures the milliseconds.
 */
const validatorOf = createRequestValidation(contract);

/** Looks at values that one request may cost: about a microsecond each. */
const MAX_LOOKS = 40_000;
/** Members that a refusal names: 200 of the schema, and what is wrong with the body as a whole. */
const MAX_TOLD = 210;

function costOf(op: (typeof operations)[number], text: string) {
  let body: unknown;
  try {
    body = parseJson(Buffer.from(text), 'application/json', contract.untrimmed, op);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return { looks: 0, told: Object.keys((error as AppError).fields ?? {}).length };
  }
  const counter = { looks: 0 };
  const path = Object.fromEntries(op.parameters.filter((p) => p.in === 'path').map((p) => [p.name, 'x']));
  const fields = validatorOf(op)({ path, query: {}, headers: {}, body: counting(body, counter) });
  return { looks: counter.looks, told: Object.keys(fields ?? {}).length };
}

/** A v1 operation takes what its twin takes (test/contract-document.test.ts). */
const withBody = operations.filter(({ hasBody, id }) => hasBody && !id.startsWith('v1'));

describe.each(withBody.map((op) => [op.id, op] as const))('%s', (_, op) => {
  test('no body that it accepts to read is looked at more than it may cost', () => {
    for (const { name, text } of worstBodies(op, op.bodyLimit ?? BODY_BYTES)) {
      const { looks, told } = costOf(op, text);
      expect([name, looks <= MAX_LOOKS, told <= MAX_TOLD]).toEqual([name, true, true]);
    }
  });
});

test('counting sees what compares every item with every other', () => {
  const op = operations.find(({ id }) => id === 'createCoupon')!;
  const looksOf = (count: number) => {
    const counter = { looks: 0 };
    const body = { appliesTo: Array.from({ length: count }, (_, i) => String(i)) };
    validatorOf(op)({ path: {}, query: {}, headers: {}, body: counting(body, counter) });
    return counter.looks;
  };
  expect(looksOf(400) / looksOf(100)).toBeGreaterThan(8);
  expect(looksOf(1000)).toBeGreaterThan(MAX_LOOKS);
});
