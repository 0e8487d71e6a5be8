import { describe, expect, test } from '@jest/globals';
import { createVault, mask, sameSecret } from '../../src/platform/secrets.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const OTHER = 'fedcba9876543210fedcba9876543210';
const SEALED = 'v1.8b2cb4a2.AQEBAQEBAQEBAQEB1dWyCr2GRQkHDsBiGKeUqgVsUvuIPEJj1OcnUy/JPRJRkw==';

describe('secrets at rest (rules H7)', () => {
  test('H.4: the stored form', () => {
    const vault = createVault(KEY, undefined, () => Buffer.alloc(12, 1));
    expect(vault.encrypt('sk_test_1234567890', 'stripe.secretKey')).toBe(SEALED);
    expect(vault.decrypt(SEALED, 'stripe.secretKey')).toBe('sk_test_1234567890');
  });

  test('the same text is stored differently each time', () => {
    const vault = createVault(KEY);
    const stored = [vault.encrypt('a', 'x'), vault.encrypt('a', 'x')];
    expect(new Set(stored).size).toBe(2);
    expect(stored.map((text) => vault.decrypt(text, 'x'))).toEqual(['a', 'a']);
  });

  test.each([
    ['', 'x'],
    ['ü € 🔑', 'webhook_endpoints.secret_enc.01JQX5M3K9HZNGVX2Z66Z1C02N'],
  ])('%p comes back', (text, aad) => {
    const vault = createVault(KEY);
    expect(vault.decrypt(vault.encrypt(text, aad), aad)).toBe(text);
  });

  test('a value of another place, of another key, or changed is refused', () => {
    const vault = createVault(KEY);
    const [, , body] = SEALED.split('.');
    const bytes = Buffer.from(body!, 'base64');
    bytes[14]! ^= 1;
    expect(() => vault.decrypt(SEALED, 'stripe.webhookSecret')).toThrow();
    expect(() => vault.decrypt(`v1.8b2cb4a2.${bytes.toString('base64')}`, 'stripe.secretKey')).toThrow();
    expect(() => vault.decrypt(SEALED.replace('v1.', 'v2.'), 'stripe.secretKey')).toThrow('No key');
    expect(() => vault.decrypt('garbage', 'stripe.secretKey')).toThrow('No key');
    expect(() => createVault(OTHER).decrypt(SEALED, 'stripe.secretKey')).toThrow('No key');
  });

  test('after a rotation the previous key decrypts, and the new one encrypts', () => {
    const rotated = createVault(OTHER, KEY);
    expect(rotated.decrypt(SEALED, 'stripe.secretKey')).toBe('sk_test_1234567890');
    const anew = rotated.encrypt('sk_test_1234567890', 'stripe.secretKey');
    expect(createVault(OTHER).decrypt(anew, 'stripe.secretKey')).toBe('sk_test_1234567890');
  });
});

test.each([
  ['sk_test_1234567890', '••••••••7890'], // H.5
  ['123456789', '••••••••6789'],
  ['12345678', '••••••••'],
  ['', '••••••••'],
])('H.5: %p is shown as %p', (secret, shown) => {
  expect(mask(secret)).toBe(shown);
});

test('what is signed is known again with the present and the previous key, for its purpose and text only', () => {
  const signature = createVault(KEY).sign('quote', 'text');
  expect(signature).toMatch(/^[\w-]{43}$/);
  expect(createVault(KEY).isSigned('quote', 'text', signature)).toBe(true);
  expect(createVault(OTHER, KEY).isSigned('quote', 'text', signature)).toBe(true);
  expect(createVault(OTHER).isSigned('quote', 'text', signature)).toBe(false);
  expect(createVault(KEY).isSigned('quote', 'texts', signature)).toBe(false);
  expect(createVault(KEY).isSigned('quote', 'text', '')).toBe(false);
  expect(createVault(KEY).isSigned('quote', 'text', `${signature}A`)).toBe(false);
});

test('secrets are compared whole, whatever their length', () => {
  expect(sameSecret('abc', 'abc')).toBe(true);
  expect(sameSecret('abc', 'abd')).toBe(false);
  expect(sameSecret('abc', 'abcd')).toBe(false);
  expect(sameSecret('', 'abc')).toBe(false);
});
