import { RequestValidator, ResponseValidator } from 'express-openapi-validator/dist/middlewares/index.js';
import { ParametersSchemaParser } from 'express-openapi-validator/dist/middlewares/parsers/schema.parse.js';
import { ajvErrorsToValidatorError, augmentAjvErrors } from 'express-openapi-validator/dist/middlewares/util.js';
import type { Fields } from '../errors.ts';
import { memo } from '../memo.ts';
import type { Contract, Operation, Spec } from './contract.ts';

/** The parts of AJV's interface used here; AJV itself comes with express-openapi-validator. */
interface ErrorObject {
  keyword: string;
  instancePath: string;
  schemaPath: string;
  params: Record<string, unknown>;
  message?: string;
}
interface ValidateFunction {
  (data: unknown): boolean;
  errors?: ErrorObject[] | null;
}

export interface RequestParts {
  path: Record<string, unknown>;
  query: Record<string, unknown>;
  headers: Record<string, unknown>;
  body: unknown;
}

/** One sentence per failing member (contract 1.8.1), or undefined. Coerces query and path parameters in place. */
export type Validate = (parts: RequestParts) => Fields | undefined;

/**
 * Request validation by express-openapi-validator's own engine: its AJV set-up, formats and parsers, compiled once per operation.
 * Its middleware is not used: it looks the route up a second time and parses the URL anew on every request (docs/adr).
 */
export function createRequestValidation(
  contract: Contract,
  engine: Engine = createEngine(contract),
): (operation: Operation) => Validate {
  const compiled = new Map<Operation, Validate>();
  return (operation) => memo(compiled, operation, () => compile(engine, contract.spec, operation));
}

/** The validator's engine; requests and single values share one. */
export const createEngine = (contract: Contract): Engine =>
  new RequestValidator(documentOf(contract.spec), OPTIONS) as unknown as Engine;

/** Validates a value by a schema of the contract's components: one sentence per failing member, or undefined. */
export function createSchemaValidation(engine: Engine): (schema: string, value: unknown) => Fields | undefined {
  const compiled = new Map<string, ValidateFunction>();
  return (name, value) => {
    const $ref = `#/components/schemas/${name}`;
    const validate = memo(compiled, name, () => engine.ajvBody.compile({ properties: { body: { $ref } } }));
    if (validate({ body: value })) return undefined;
    const fields: Fields = Object.create(null);
    collect(fields, validate.errors, new Map());
    return fields;
  };
}

const OPTIONS = {
  strict: false,
  strictNumbers: true,
  allowUnionTypes: false,
  validateSchema: false,
  allErrors: true,
  useDefaults: true,
  coerceTypes: false,
  removeAdditional: false,
  validateFormats: true,
  formats: {},
  serDesMap: {},
  ajvFormats: { mode: 'full' as const },
  allowUnknownQueryParameters: false,
};

type Document = ConstructorParameters<typeof RequestValidator>[0];
type Ajv = ConstructorParameters<typeof ParametersSchemaParser>[0];
type Parsed = Parameters<ParametersSchemaParser['parse']>;

/** The engine changes the document it is given. */
const documentOf = (spec: object): Document => structuredClone(spec) as Document;

export interface Engine {
  ajv: { compile(schema: unknown): ValidateFunction };
  ajvBody: { compile(schema: unknown): ValidateFunction };
  apiDoc: Document;
}

function compile(engine: Engine, spec: Spec, operation: Operation): Validate {
  const parameters = structuredClone(operation.schema.parameters ?? []) as Parsed[1];
  const parser = new ParametersSchemaParser(engine.ajv as Ajv, engine.apiDoc);
  const { query, headers, params } = parser.parse(operation.path, parameters);
  const properties = (query as { properties?: Record<string, { type?: string }> }).properties ?? {};
  const known = new Set(Object.keys(properties));
  const integers = Object.keys(properties).filter((name) => properties[name]?.type === 'integer');
  const open = operation.schema['x-eov-allow-unknown-query-parameters'] === true;
  const general = engine.ajv.compile({ properties: { query, headers, params } });
  const body = compileBody(engine, spec, operation);
  const headerNames = headerSpelling(spec, operation);
  return ({ path, query: given, headers: sent, body: value }) => {
    const fields: Fields = Object.create(null);
    const unknown = open ? [] : Object.keys(given).filter((name) => !known.has(name));
    for (const name of unknown.slice(0, MAX_ERRORS)) fields[name] = 'is not a known parameter';
    for (const name of integers) {
      const text = given[name];
      // AJV would also take "0x10", and "1e999" as infinity
      if (typeof text === 'string' && !INTEGER.test(text)) fields[name] = 'must be an integer';
    }
    if (!general({ query: given, headers: sent, params: path })) collect(fields, general.errors, headerNames);
    if (body && !body({ body: value })) collect(fields, body.errors, headerNames);
    for (const _ in fields) return fields;
    return undefined;
  };
}

function compileBody(engine: Engine, spec: Spec, operation: Operation): ValidateFunction | undefined {
  const requestBody = operation.schema.requestBody as { $ref?: string } & Operation['schema']['requestBody'];
  if (!requestBody) return undefined;
  const named = requestBody.$ref?.split('/').pop();
  const resolved = named
    ? ((spec.components.requestBodies as Record<string, typeof requestBody>)[named] ?? requestBody)
    : requestBody;
  const schema = resolved.content?.['application/json']?.schema ?? {};
  return engine.ajvBody.compile({ required: resolved.required ? ['body'] : [], properties: { body: schema } });
}

/** Node lower-cases header names; errors name them as the contract spells them. */
function headerSpelling(spec: Spec, operation: Operation): Map<string, string> {
  const names = new Map<string, string>();
  for (const parameter of operation.schema.parameters ?? []) {
    const { $ref } = parameter as { $ref?: string };
    const all = spec.components.parameters as Record<string, unknown>;
    const { in: place, name } = ($ref ? all[$ref.split('/').pop()!] : parameter) as { in: string; name: string };
    if (place === 'header') names.set(name.toLowerCase(), name);
  }
  return names;
}

const INTEGER = /^-?\d{1,15}$/;
const NOISE = new Set(['if', 'then', 'else', 'not']);

/** Enough to mend a request by; a body of a megabyte can be wrong in a hundred thousand places. */
const MAX_ERRORS = 200;

function collect(fields: Fields, errors: ErrorObject[] | null | undefined, headerNames: Map<string, string>): void {
  const list = augmentAjvErrors((errors ?? []).filter((error) => !NOISE.has(error.keyword)).slice(0, MAX_ERRORS));
  const alternatives = list.filter((error: ErrorObject) => error.keyword !== 'anyOf' && error.keyword !== 'oneOf');
  const deep = alternatives.filter((error) => !isTypeNoise(error, alternatives));
  const told = deep.length > 0 ? deep : alternatives.length > 0 ? alternatives : list;
  for (const { path, message, errorCode } of ajvErrorsToValidatorError(400, told).errors) {
    // a batch of the right type with too many items is not an unreadable body
    const name = path === '/body' && errorCode?.startsWith('maxItems') ? 'items' : fieldName(path, headerNames);
    fields[name] ??= sentence(message);
  }
}

/**
 * "must be null" of a nullable object whose members were looked at, "must be array" of a body that may be one or an
 * object: what is wrong is told by the alternative of the right type.
 */
const isTypeNoise = (error: ErrorObject, all: ErrorObject[]): boolean =>
  error.keyword === 'type' &&
  (error.params.type === 'null' || error.instancePath === '/body') &&
  all.some(
    (other) =>
      other !== error &&
      other.instancePath.startsWith(error.instancePath) &&
      (error.params.type === 'null' || other.keyword !== 'type' || other.instancePath !== error.instancePath),
  );

function fieldName(path: string, headerNames: Map<string, string>): string {
  const [, place, ...rest] = path.split('/');
  const name = rest.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.');
  if (place === 'headers') return headerNames.get(name) ?? name;
  return name || '_';
}

function sentence(message: string): string {
  if (message.startsWith('must have required property')) return 'is required';
  if (message.includes('additional properties') || message.includes('unevaluated properties')) return 'is not allowed';
  return message.replace('must NOT', 'must not');
}

/** Checks an answer against the contract; used in tests, where a violation is a failing request. */
export function createAnswerValidation(
  contract: Contract,
): (operation: Operation, status: number, body: unknown) => string | undefined {
  const { components } = contract.spec;
  const { ajvBody } = new ResponseValidator(
    documentOf({ ...contract.spec, paths: {} }),
    ANSWER_OPTIONS,
    {},
    0,
  ) as unknown as {
    ajvBody: { compile(schema: unknown): ValidateFunction; addSchema(schema: unknown, key: string): void };
  };
  // known once under a name: a schema that carries the components would have all of them walked at each compiling
  ajvBody.addSchema({ components }, SHARED);
  const compiled = new Map<string, ValidateFunction | undefined>();
  const compileAnswer = (response: AnswerSchema): ValidateFunction | undefined => {
    const schema = response.content?.['application/json']?.schema;
    const shared = JSON.stringify(schema ?? {}).replaceAll('"#/components/', `"${SHARED}#/components/`);
    return schema ? ajvBody.compile({ type: 'object', properties: { response: JSON.parse(shared) } }) : undefined;
  };
  const validatorOf = ({ id, schema }: Operation, name: string) => {
    const response = schema.responses[name] as AnswerSchema & { $ref?: string };
    const shared = components.responses as Record<string, AnswerSchema>;
    return memo<string, ValidateFunction | undefined>(compiled, response.$ref ?? `${id} ${name}`, () =>
      compileAnswer(response.$ref ? shared[response.$ref.split('/').pop()!]! : response),
    );
  };
  return (operation, status, body) => {
    const { responses } = operation.schema;
    const name = responses[status] ? String(status) : status >= 400 && responses.default ? 'default' : undefined;
    if (!name) return `status ${status} is not in the contract`;
    const validate = validatorOf(operation, name);
    if (!validate || validate({ response: body })) return undefined;
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`).join('; ');
  };
}

const SHARED = 'contract.json';
/** A component is compiled once and called, not written out at each place that names it. */
const ANSWER_OPTIONS = { ...OPTIONS, inlineRefs: false };

interface AnswerSchema {
  content?: Record<string, { schema?: unknown }>;
}
