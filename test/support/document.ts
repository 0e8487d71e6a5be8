import { readFileSync } from 'node:fs';
import type { ErrorCode } from '../../src/platform/errors.ts';
import { readContract, type Spec } from '../../src/platform/http/contract.ts';

export type Node = Record<string, unknown>;
export interface Parameter {
  name: string;
  in: string;
  schema: Node;
}
interface Media {
  schema: Node;
  examples?: Record<string, { value: unknown }>;
}
interface Answer {
  headers?: Record<string, unknown>;
  content?: Record<string, Media>;
}

export const document = JSON.parse(
  readFileSync(new URL('../../generated/openapi.json', import.meta.url), 'utf8'),
) as Node;
export const contract = readContract(document as unknown as Spec);
export const components = document.components as Record<string, Record<string, Node>>;
export const schemas = components.schemas!;

/** Follows `$ref` of the value itself, not of its members. */
export function deref<T>(node: unknown): T {
  const ref = (node as { $ref?: string })?.$ref;
  if (!ref) return node as T;
  const [, , kind, name] = ref.split('/');
  return deref(components[kind!]![name!]);
}

export const operations = contract.operations.map((operation) => {
  const { schema } = operation;
  const answers = Object.entries(schema.responses).map(([status, answer]) => [status, deref<Answer>(answer)] as const);
  return {
    ...operation,
    auth: String(schema['x-auth']),
    codes: (schema['x-errors'] ?? []) as ErrorCode[],
    parameters: (schema.parameters ?? []).map((parameter) => deref<Parameter>(parameter)),
    body: schema.requestBody && deref<{ required?: boolean; content: Record<string, Media> }>(schema.requestBody),
    answers,
    /** The one of a first call first: what a repetition gives comes after it. */
    successes: answers.filter(([status]) => /^[23]/.test(status)).reverse(),
  };
});
export type Op = (typeof operations)[number];

/** Every schema node below a value, with its path. References are not followed. */
export function* nodes(value: unknown, path: string): Generator<[string, Node]> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield [path, value as Node];
  for (const [key, child] of Object.entries(value)) {
    if (key === 'examples' || key === 'example') continue;
    yield* nodes(child, `${path}.${key}`);
  }
}

/** Whether an id of a row stands anywhere in a schema. */
export function namesAnId(schema: unknown, seen = new Set<unknown>()): boolean {
  if (schema === null || typeof schema !== 'object' || seen.has(schema)) return false;
  seen.add(schema);
  const { $ref } = schema as { $ref?: string };
  if ($ref && /\/(Id|EventId)$/.test($ref)) return true;
  if ($ref && namesAnId(deref(schema), seen)) return true;
  return Object.values(schema).some((child) => namesAnId(child, seen));
}
