import { describe, expect, test } from '@jest/globals';
import { createApp, handlers, publishedSpec } from '../../../src/app.ts';
import { connect } from '../../../src/platform/db/connect.ts';
import { bindHandlers, type HandlerTable } from '../../../src/platform/http/router.ts';
import { createRuntime } from '../../../src/runtime.ts';
import { testConfig } from '../../support/app.ts';
import { contract, operations } from '../../support/document.ts';

const TABLE = handlers as unknown as HandlerTable;
const { getProduct: _, ...otherProducts } = TABLE.products!;
const noop = async () => undefined;

/** What is refused when the server starts with these handlers. */
function refusal(table: HandlerTable, spec = publishedSpec()): string {
  const database = connect('postgres://nobody@127.0.0.1:1/nothing');
  try {
    createApp(createRuntime(testConfig, { database }), { handlers: table, spec });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the server starts');
}

describe('the server starts', () => {
  test('with one handler for each operation', () => {
    const bound = bindHandlers(contract, TABLE);
    expect(bound.size).toBe(operations.length);
    for (const operation of contract.operations) expect(bound.get(operation)).toBe(TABLE[operation.tag]![operation.id]);
  });
});

describe('the server refuses to start', () => {
  test('without the handler of an operation, and names it', () => {
    expect(refusal({ ...TABLE, products: otherProducts })).toContain('no handler for operation products.getProduct');
  });

  test('without the handlers of a tag, and names all of them', () => {
    const { products: __, ...others } = TABLE;
    const message = refusal(others);
    for (const { id } of operations.filter(({ tag }) => tag === 'products'))
      expect(message).toContain(`products.${id}`);
  });

  test('with a handler that the contract does not know, and names it', () => {
    const products = { ...TABLE.products, archiveProduct: noop };
    expect(refusal({ ...TABLE, products })).toContain('handler products.archiveProduct is not in the contract');
  });

  test('with a handler under another tag, and names both sides', () => {
    const message = refusal({ ...TABLE, products: otherProducts, plans: { ...TABLE.plans, getProduct: noop } });
    expect(message).toContain('no handler for operation products.getProduct');
    expect(message).toContain('handler plans.getProduct is not in the contract');
  });

  test('with an operation whose x-auth is not understood', () => {
    const spec = publishedSpec();
    spec.paths['/api/products']!.get!['x-auth'] = 'everybody';
    expect(refusal(TABLE, spec)).toContain('listProducts: x-auth "everybody" is not understood');
  });
});
