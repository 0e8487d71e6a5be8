import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { paymentLines } from '../../src/billing/ledger/entries.ts';
import {
  CUSTOMER_ID_PROVIDERS,
  knownTaxProvider,
  PAYMENT_PROVIDERS,
  PROVIDER_NAMES,
  providerOf,
  TAX_PROVIDERS,
  taxOf,
} from '../../src/providers/list.ts';
import { isManual, isProvider, MANUAL_METHODS, type PaymentMethodCode } from '../../src/providers/methods.ts';
import { providerVariables } from '../../src/providers/variables.ts';

const enumOf = (name: string): string[] => {
  const { components } = JSON.parse(readFileSync('generated/openapi.json', 'utf8'));
  return components.schemas[name].enum;
};

describe('the list names what the contract names', () => {
  test.each([
    ['PaymentProvider', [...PAYMENT_PROVIDERS]],
    ['ExternalTaxProvider', [...TAX_PROVIDERS]],
    ['PaymentMethodCode', [...MANUAL_METHODS, ...PAYMENT_PROVIDERS]],
  ])('%s', (name, ours) => expect(ours.sort()).toEqual(enumOf(name).sort()));

  test('ids of customers at the providers that have them', () =>
    expect(CUSTOMER_ID_PROVIDERS).toEqual(['stripe', 'xendit']));
});

describe('every payment method', () => {
  const methods = [...MANUAL_METHODS, ...PAYMENT_PROVIDERS] as PaymentMethodCode[];

  test('is manual or a provider, never both', () => {
    for (const method of methods) expect([method, isManual(method) !== isProvider(method)]).toEqual([method, true]);
  });

  test('has its account in the ledger', () => {
    const accounts = methods.map((method) => [method, paymentLines(method, 100n, 0n)[0]!.account]);
    expect(accounts).toEqual([
      ['manual', 'cash:manual'],
      ['bank_transfer', 'cash:manual'],
      ['check', 'cash:manual'],
      ['stripe', 'cash:stripe'],
      ['xendit', 'cash:xendit'],
      ['lemonsqueezy', 'cash:lemonsqueezy'],
    ]);
  });

  test('that nobody knows is booked nowhere', () => {
    for (const method of ['no_provider', '', 'toString', 'cash'])
      expect(() => paymentLines(method as PaymentMethodCode, 100n, 0n)).toThrow('Nothing is decided');
  });
});

describe('a tax provider', () => {
  test('that is stored and not known is an error, not "no tax"', () => {
    for (const name of ['no_provider', 'xendit', 'toString'])
      expect(() => knownTaxProvider(name)).toThrow('is not known');
  });

  test('is asked with a secret of the settings that exists, at an address', () => {
    for (const name of TAX_PROVIDERS) {
      expect(Object.keys(providerVariables.members)).toContain(taxOf(name).key);
      expect(Object.keys(providerVariables.origins)).toContain(name);
    }
  });
});

test('every member has a variable of its own, which the README names', () => {
  const names = [...Object.values(providerVariables.members), ...Object.values(providerVariables.origins)].map(
    ({ env }) => env,
  );
  expect(new Set(names).size).toBe(names.length);
  const readme = readFileSync('README.md', 'utf8');
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  for (const name of PROVIDER_NAMES) expect(providerOf(name).title).not.toBe('');
});
