import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/platform/errors.ts';
import { cleanJson, parseJson } from '../../src/platform/http/body.ts';
import { checkShape } from '../../src/platform/http/body-shape.ts';

const UNTRIMMED = new Set(['password']);
const parse = (text: string | Buffer, type: string | undefined = 'application/json') =>
  parseJson(Buffer.from(text as string), type, UNTRIMMED);

function refusal(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('what a body is', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON ;charset=utf-8'])(
    '%s',
    (type) => {
      expect(parse('{"a":1}', type)).toEqual({ a: 1 });
    },
  );

  test.each([undefined, '', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'text/json'])(
    '415 unsupported_media_type for %p',
    (type) => {
      const run = () => parseJson(Buffer.from('{}'), type, UNTRIMMED);
      expect(refusal(run)).toMatchObject({ code: 'unsupported_media_type', status: 415 });
    },
  );

  test.each(['', '{', "{'a':1}", '{"a":1,}', '{"a":NaN}', '\uFEFF{}'])('400 invalid_request for %p', (text) => {
    expect(refusal(() => parse(text)).code).toBe('invalid_request');
  });

  test('400 invalid_request for bytes that are not UTF-8', () => {
    const latin1 = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xfc, 0x22, 0x7d]);
    expect(refusal(() => parse(latin1)).code).toBe('invalid_request');
  });
});

describe('strings', () => {
  test('are trimmed at both ends, at every depth', () => {
    expect(parse('{"a":"  x \\n","b":[" y "],"c":{"d":" z "}}')).toEqual({ a: 'x', b: ['y'], c: { d: 'z' } });
  });

  test('of untrimmed members stay as they are', () => {
    expect(parse('{"password":"  x ","name":" y "}')).toEqual({ password: '  x ', name: 'y' });
  });

  test('names of members are not trimmed', () => {
    expect(parse('{" a ":1}')).toEqual({ ' a ': 1 });
  });

  test('may hold LF, CR and TAB inside', () => {
    expect(parse('{"a":"x\\n\\r\\ty"}')).toEqual({ a: 'x\n\r\ty' });
  });

  test.each(['\\u0000', '\\u0007', '\\u001b'])('400 validation_error for %s, naming the member', (control) => {
    expect(refusal(() => parse(`{"a":{"b":["x","${control}"]}}`))).toMatchObject({
      code: 'validation_error',
      fields: { 'a.b.1': expect.stringContaining('control') },
    });
    expect(refusal(() => parse(`{"password":"${control}"}`)).fields).toHaveProperty('password');
    expect(refusal(() => parse(`{"${control}":1}`)).code).toBe('validation_error');
  });
});

test('a member named __proto__ stays a member and changes no prototype', () => {
  const value = parse('{"__proto__":{"admin":true}}') as Record<string, unknown>;
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(value.admin).toBeUndefined();
});

describe('the shape is checked before anything is parsed', () => {
  const shape = (text: string, maxValues = 10) => checkShape(Buffer.from(text), maxValues);

  test('400 validation_error for a body nested more than 32 deep, of arrays, objects or both', () => {
    const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[ {"a" : ', ' } ]'],
    ] as const) {
      expect(refusal(() => shape(nested(open, close, 33), 1000)).fields).toEqual({ _: 'is nested too deeply' });
      expect(() => shape(nested(open, close, 16), 1000)).not.toThrow();
    }
    expect(() => shape('[[],[],[[]]]')).not.toThrow();
    expect(refusal(() => parse(`${'[ '.repeat(40)}${']'.repeat(40)}`)).code).toBe('validation_error');
  });

  test('400 validation_error for more values than there may be; members, items and containers count', () => {
    for (const text of ['[1,2,3,4]', '{"a":1,"b":[2,3]}', '[[],[],[]]', '[{},{"a":{}}]']) {
      expect(refusal(() => shape(text, 4)).fields).toEqual({ _: 'must not have more than 4 values' });
      expect(() => shape(text, 7)).not.toThrow();
    }
    expect(() => shape('"text"', 1)).not.toThrow();
  });

  test('what stands in a text counts for nothing', () => {
    const text = JSON.stringify({ a: ',,,,[[[[{{{{', b: '"\\",,,,,,,,', '[,,,,,,,': '\\' });
    expect(() => shape(text, 4)).not.toThrow();
    expect(refusal(() => shape(text, 3)).code).toBe('validation_error');
    expect(() => shape('"no end \\')).not.toThrow();
  });
});

test('cleaning a value looks at every text of it', () => {
  expect(cleanJson({ a: [' x '] }, UNTRIMMED)).toEqual({ a: ['x'] });
});
