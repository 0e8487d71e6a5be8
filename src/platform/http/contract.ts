import { maxValuesOf } from './body-shape.ts';
import type { RouteNode } from './trie.ts';
import { buildTrie, findRoute } from './trie.ts';

export type Access =
  | { kind: 'none' }
  | { kind: 'session'; role: 'admin' | 'any' }
  | { kind: 'apiKey'; access: 'read' | 'write'; scope: 'own' | 'op' }
  | { kind: 'cron' }
  | { kind: 'metrics' };

/** One operation of the contract, prepared for the router. */
export interface Operation {
  id: string;
  tag: string;
  method: string;
  path: string;
  access: Access;
  /** In what the handler runs (`x-transaction`); `manual`: it opens transactions and snapshots itself. */
  transaction: 'write' | 'snapshot' | 'page' | 'statement' | 'manual';
  location: string | undefined;
  /** An array in the body is a batch: its items are cleaned and validated one by one, by the handler (`x-batch: true`). */
  batch: boolean;
  /** Status of the one success answer; operations with several answer with `reply()`. */
  status: number;
  etag: boolean;
  hasBody: boolean;
  /** It takes the header If-Match (contract 1.10). */
  ifMatch: boolean;
  /** The answer holds a secret: its idempotency record is encrypted. */
  secretAnswer: boolean;
  /** It lists 502 `provider_error` (contract 1.8.3). */
  listsProviderError: boolean;
  /** Browsers of any origin may call it, without credentials (`x-cors: any`). */
  anyOrigin: boolean;
  /** The member of the body by which callers without credentials are limited, beside their address (`x-rate-limit`). */
  limitedBy: string | undefined;
  /** Bytes a body may have, where it is not the usual number (`x-body-limit`). */
  bodyLimit: number | undefined;
  /** Values a body may have before it is validated: what a valid one can have, and some to spare. */
  maxValues: number;
  schema: OperationObject;
}

export interface OperationObject {
  operationId: string;
  tags: string[];
  parameters?: unknown[];
  requestBody?: { required?: boolean; content?: Record<string, { schema?: unknown }> };
  responses: Record<string, ResponseObject>;
  security?: Record<string, string[]>[];
  [extension: `x-${string}`]: unknown;
}
interface ResponseObject {
  headers?: Record<string, unknown>;
  content?: Record<string, unknown>;
  $ref?: string;
}
export interface Spec {
  openapi: string;
  paths: Record<string, Record<string, OperationObject>>;
  components: {
    responses?: Record<string, ResponseObject>;
    schemas?: Record<string, unknown>;
    [kind: string]: unknown;
  };
  security?: Record<string, string[]>[];
}

export interface Contract {
  spec: Spec;
  operations: Operation[];
  /** The operations of a path by method, with the decoded path parameters; undefined when the path is unknown. */
  find(path: string): { operations: Map<string, Operation>; params: Record<string, string> } | undefined;
  /** Names of the string properties that are taken as they are (contract 1.2). */
  untrimmed: ReadonlySet<string>;
}

const METHODS = ['get', 'post', 'put', 'delete'];

export function readContract(spec: Spec): Contract {
  const operations: Operation[] = [];
  const routes: { path: string; value: Map<string, Operation> }[] = [];
  for (const [path, item] of Object.entries(spec.paths)) {
    const byMethod = new Map<string, Operation>();
    for (const method of METHODS) {
      const schema = item[method];
      if (!schema) continue;
      const operation = readOperation(spec, path, method.toUpperCase(), schema);
      operations.push(operation);
      byMethod.set(operation.method, operation);
    }
    routes.push({ path, value: byMethod });
  }
  const trie: RouteNode<Map<string, Operation>> = buildTrie(routes);
  return {
    spec,
    operations,
    untrimmed: untrimmedNames(spec.components.schemas ?? {}),
    find(path) {
      const hit = findRoute(trie, path);
      return hit && { operations: hit.value, params: hit.params };
    },
  };
}

function readOperation(spec: Spec, path: string, method: string, schema: OperationObject): Operation {
  const successes = Object.keys(schema.responses).filter((status) => /^[23]/.test(status));
  const last = successes.at(-1);
  if (!last) throw new Error(`${schema.operationId} has no success answer.`);
  const answer = deref(spec, schema.responses[last]!);
  return {
    id: schema.operationId,
    tag: schema.tags[0]!,
    method,
    path,
    access: readAccess(schema, spec),
    transaction: readTransaction(schema, method),
    batch: schema['x-batch'] === true,
    location: schema['x-location'] as string | undefined,
    status: Number(last),
    etag: Object.keys(answer.headers ?? {}).includes('ETag') && path.startsWith('/api'),
    hasBody: schema.requestBody !== undefined,
    ifMatch: (schema.parameters ?? []).some((parameter) => nameOf(spec, parameter) === 'If-Match'),
    secretAnswer: schema['x-secret-answer'] === true,
    listsProviderError: (schema['x-errors'] as string[] | undefined)?.includes('provider_error') ?? false,
    anyOrigin: schema['x-cors'] === 'any',
    limitedBy: schema['x-rate-limit'] as string | undefined,
    bodyLimit: schema['x-body-limit'] as number | undefined,
    maxValues: maxValuesOf(spec, schema),
    schema,
  };
}

function readTransaction(schema: OperationObject, method: string): Operation['transaction'] {
  const said = schema['x-transaction'] ?? (method === 'GET' ? 'snapshot' : 'write');
  const known = (['write', 'snapshot', 'page', 'statement', 'manual'] as const).find((one) => one === said);
  if (known) return known;
  throw new Error(`${schema.operationId}: x-transaction "${String(said)}" is not understood.`);
}

const deref = (spec: Spec, response: ResponseObject): ResponseObject =>
  response.$ref ? (spec.components.responses?.[response.$ref.split('/').pop()!] ?? {}) : response;

function nameOf(spec: Spec, parameter: unknown): string | undefined {
  const { $ref, name } = parameter as { $ref?: string; name?: string };
  return $ref ? (spec.components.parameters as Record<string, { name: string }>)[$ref.split('/').pop()!]?.name : name;
}

/** The Auth column of the contract (1.11), e.g. `admin`, `session`, `key r own`, `key w op`, `cron`, `none`. */
function readAccess(schema: OperationObject, spec: Spec): Access {
  const [word, access, scope] = String(schema['x-auth']).split(' ');
  const schemes = (schema.security ?? spec.security ?? []).flatMap((entry) => Object.keys(entry));
  if (word === 'none') return schemes.includes('metricsToken') ? { kind: 'metrics' } : { kind: 'none' };
  if (word === 'admin' || word === 'session') return { kind: 'session', role: word === 'admin' ? 'admin' : 'any' };
  if (word === 'cron') return { kind: 'cron' };
  if (word === 'key' && (access === 'r' || access === 'w') && (scope === 'own' || scope === 'op'))
    return { kind: 'apiKey', access: access === 'r' ? 'read' : 'write', scope };
  throw new Error(`${schema.operationId}: x-auth "${String(schema['x-auth'])}" is not understood.`);
}

function untrimmedNames(node: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(node)) for (const item of node) untrimmedNames(item, found);
  else if (node && typeof node === 'object')
    for (const [name, value] of Object.entries(node)) {
      if (value && typeof value === 'object' && (value as Record<string, unknown>)['x-untrimmed'] === true)
        found.add(name);
      untrimmedNames(value, found);
    }
  return found;
}
