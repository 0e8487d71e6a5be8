import type { UserConfig } from '@hey-api/openapi-ts';
import { operationsPlugin } from './scripts/operations-plugin.ts';

const CONTAINER = 'RustBillApi';

/** createProduct of products -> create; getInvoicePdf of invoices -> getPdf; login of auth -> login. */
function methodName(operationId: string, tag: string): string {
  const noun = `${tag[0]!.toUpperCase()}${tag.slice(1).replace(/s$/, '')}`;
  return operationId.replace(new RegExp(`${noun}s?(?![a-z])`), '') || operationId;
}

/** `api.products.create()` is the admin's operation, `api.v1.products.list()` its twin for API keys. */
function sdkPath(operationId: string, tag: string): string[] {
  const twin = /^v1([A-Z])(.*)$/.exec(operationId);
  if (!twin) return [CONTAINER, tag, methodName(operationId, tag)];
  return [CONTAINER, 'v1', tag, methodName(`${twin[1]!.toLowerCase()}${twin[2]}`, tag)];
}

/** What is generated from the bundled contract in `directory`: the server's types and the SDK. */
export const generation = (directory: string): UserConfig[] => {
  const common = {
    input: `${directory}/openapi.json`,
    logs: { level: 'silent', file: false },
    parser: { transforms: { readWrite: false } },
  } as const;
  const output = { module: { extension: '.ts' }, clean: false, entryFile: false } as const;
  return [
    { ...common, output: { ...output, path: directory }, plugins: ['@hey-api/typescript', operationsPlugin()] },
    {
      ...common,
      output: { ...output, path: `${directory}/sdk/src` },
      plugins: [
        '@hey-api/typescript',
        { name: '@hey-api/client-fetch', baseUrl: false, throwOnError: true },
        {
          name: '@hey-api/sdk',
          operations: {
            containerName: CONTAINER,
            methods: 'instance',
            strategy: ({ operationId, tags }) => [sdkPath(operationId!, tags![0]!)],
          },
        },
      ],
    },
  ];
};
