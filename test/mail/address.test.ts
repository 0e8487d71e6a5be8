import { describe, expect, test } from '@jest/globals';
import { isPlainAddress, oneLine } from '../../src/mail/address.ts';

describe('one address and nothing else', () => {
  test.each([
    'a@b.example',
    'first.last+tag@sub.example.com',
    'ü@müller.example',
    `${'x'.repeat(64)}@b.example`,
    "o'hara@b.example",
  ])('is plain: %s', (text) => expect(isPlainAddress(text)).toBe(true));

  test.each([
    ['nothing', ''],
    ['no domain', 'a@'],
    ['no mailbox', '@b.example'],
    ['no at sign', 'a.b.example'],
    ['two at signs', 'a@b@c.example'],
    ['a name', 'Al <a@b.example>'],
    ['angle brackets', '<a@b.example>'],
    ['two', 'a@b.example,c@d.example'],
    ['two by semicolon', 'a@b.example;c@d.example'],
    ['a group', 'g:a@b.example;'],
    ['a comment', 'a(x)@b.example'],
    ['a literal', 'a@[127.0.0.1]'],
    ['quotes', '"a b"@b.example'],
    ['a backslash', 'a\\@b.example'],
    ['a space before', ' a@b.example'],
    ['a space after', 'a@b.example '],
    ['a line end', 'a@b.example\r\nBcc: c@d.example'],
    ['a line end at the end', 'a@b.example\n'],
    ['a line separator', 'a@b.example\u2028'],
    ['NUL', 'a\0@b.example'],
    ['DEL', 'a\x7f@b.example'],
    ['a mailbox of 65', `${'x'.repeat(65)}@b.example`],
    ['256 characters', `a@${'b'.repeat(254)}`],
  ])('is not plain: %s', (_, text) => expect(isPlainAddress(text)).toBe(false));

  test('255 characters are the most', () => expect(isPlainAddress(`a@${'b'.repeat(253)}`)).toBe(true));
});

describe('text for one header', () => {
  test.each([
    ['Invoice INV-1 from Müller', 'Invoice INV-1 from Müller'],
    ['a\r\nBcc: b@c.example', 'a Bcc: b@c.example'],
    ['a\rb', 'a b'],
    ['a\nb', 'a b'],
    ['a\r\n\t b', 'a  b'],
    ['a\u2028b\u2029c', 'a b c'],
    ['a\0b\x7fc\x85d', 'a b c d'],
    ['\n a \n', 'a'],
  ])('%j becomes %j', (text, line) => expect(oneLine(text)).toBe(line));

  test('200 characters are the most', () => expect(oneLine('x'.repeat(201))).toBe('x'.repeat(200)));
});
