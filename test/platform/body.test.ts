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

describe('numbers', () => {
  test.each([
    ...[
      '0',
      '-0',
      '0e-999',
      '1.0',
      '1.50e3',
      '9007199254740991',
      '9007199254740992',
      '9007199254740994',
      '1e22',
      '1E+23',
    ],
    ...['100000000000000000000', '0.1', '0.10000000000000001', '0.30000000000000004', '1234567890.123456', '5e-324'],
    ...['1.7976931348623157e308', '2.2250738585072014e-308', '1.0000000000000000000000', `0.${'0'.repeat(40)}1`],
  ])('%s is kept', (literal) => {
    expect(parse(`{"a":{"b":[${literal}]}}`)).toEqual({ a: { b: [Number(literal)] } });
  });

  test.each([
    ...['9007199254740993', '-9007199254740993', '9007199254740993.0', '12345678901234567890', '9223372036854775808'],
    ...['1e400', '-1e400', '1e-400', '1.23456789012345678901e3', '0.1234567890123456789012', '4.94065645841246e-324'],
    `1${'0'.repeat(400)}`,
  ])('400 validation_error for %s, naming the member', (literal) => {
    expect(refusal(() => parse(`{"x":1,"a":{"b":["x",${literal}]}}`))).toMatchObject({
      code: 'validation_error',
      fields: { 'a.b.1': expect.stringContaining('number') },
    });
    expect(refusal(() => parse(literal)).fields).toHaveProperty('_');
  });

  test('in strings mean nothing', () => {
    const value = { a: '9007199254740993', '1e400': ['"1e400', '\\', '12345678901234567890\\"'] };
    expect(parse(JSON.stringify(value))).toEqual(value);
  });

  test('of a batch are judged with their item, the others stay', () => {
    const text = '[{"a":1},{"a":{"b":9007199254740993}},{"a":1e400},{"a":[0.5]}]';
    const items = parseJson(Buffer.from(text), 'application/json', UNTRIMMED, { batch: true }) as unknown[];
    expect(items[0]).toEqual({ a: 1 });
    expect(refusal(() => cleanJson(items[1], UNTRIMMED)).fields).toHaveProperty(['a.b']);
    expect(refusal(() => cleanJson(items[2], UNTRIMMED)).fields).toHaveProperty('a');
    expect(items[3]).toEqual({ a: [0.5] });
  });
});

describe('two members of one name', () => {
  const many = Array.from({ length: 40 }, (_, i) => `"n${i}":0`).join(',');
  test.each([
    ...[
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '{"x":[{"b":{"a":{},"c":[1],"a" : 2}}]}',
      '{"__proto__":1,"__proto__":2}',
    ],
    ...[`{${many},"n3":1}`, `{${many},"n39":1}`, '[{"a":1},{"a":1,"b":2,"a":3}]', '{"":1,"":2}'],
  ])('400 invalid_request for %s', (text) => {
    expect(refusal(() => parse(text))).toMatchObject({ code: 'invalid_request', status: 400 });
  });

  test.each([
    '{"a":{"a":1},"b":{"a":1,"b":[{"a":1},{"a":1}]}}',
    `[{${many}},{${many}}]`,
    '{"a":"a","b":["a","a"],"c":":"}',
  ])('of different objects are fine: %s', (text) => {
    expect(parse(text)).toEqual(JSON.parse(text));
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
