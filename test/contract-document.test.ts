import { describe, expect, test } from '@jest/globals';
import { AppError, type ErrorCode } from '../src/platform/errors.ts';
import { createAnswerValidation, createRequestValidation } from '../src/platform/http/validation.ts';
import {
  components,
  contract,
  deref,
  document,
  type Node,
  namesAnId,
  nodes,
  type Op,
  operations,
  schemas,
} from './support/document.ts';
import { largest, unbounded } from './support/sizes.ts';

const each = describe.each(operations.map((operation) => [operation.id, operation] as const));
const authenticated = ({ auth }: Op): boolean => /^(admin|session|key)/.test(auth);
const statusOf = (code: ErrorCode): number => new AppError(code, '').status;
const headerNames = (op: Op): string[] => op.parameters.filter((p) => p.in === 'header').map((p) => p.name);

/** v1GetProduct -> getProduct. */
const twinId = (id: string): string => id.replace(/^v1(.)/, (_, letter: string) => letter.toLowerCase());

function expectedStatuses(op: Op): number[] {
  const statuses = new Set(op.codes.map(statusOf));
  const add = (...more: number[]) => more.forEach((status) => void statuses.add(status));
  const jsonBody = op.body?.content['application/json'];
  if (op.parameters.length > 0) add(400);
  if (jsonBody) add(400, 413, 415);
  if (authenticated(op)) add(401, 403, 429);
  if (op.auth === 'cron') add(401);
  if (op.parameters.some((p) => p.in === 'path' && /^(id|key|.*Id)$/.test(p.name))) add(404);
  if (jsonBody && namesAnId(jsonBody.schema)) add(404);
  if (op.method === 'POST' && authenticated(op)) add(409);
  if (headerNames(op).includes('If-Match')) add(409);
  return [...statuses].sort();
}

const SCHEMES: Record<string, string[][]> = {
  none: [[]],
  admin: [['sessionCookie']],
  session: [['sessionCookie']],
  key: [['apiKey']],
  cron: [['cronSecret']],
};
const OPTIONAL: Record<string, string[][]> = { getMetrics: [[], ['metricsToken']], logout: [[], ['sessionCookie']] };

function surfaceOf(path: string): string[] {
  if (path.startsWith('/api/v1/')) return ['key'];
  if (path.startsWith('/api/billing/cron/')) return ['cron'];
  if (path.startsWith('/api/auth/')) return ['none', 'session'];
  if (/^\/api\/licenses\/(verify|validate)$/.test(path)) return ['none'];
  return path.startsWith('/api/') ? ['admin', 'session'] : ['none'];
}

each('%s', (id, op) => {
  test('has a camelCase id, one tag and a summary', () => {
    expect(id).toMatch(/^[a-z][A-Za-z0-9]*$/);
    expect(op.schema.tags).toHaveLength(1);
    expect(op.schema).toHaveProperty('summary', expect.stringMatching(/^[A-Z]/));
  });

  test('says the same in x-auth, in security and by its path', () => {
    const [word] = op.auth.split(' ');
    const security = (op.schema.security ?? []).map((entry) => Object.keys(entry));
    expect(surfaceOf(op.path)).toContain(word);
    expect(op.auth).toMatch(/^(none|admin|session|cron|key [rw] (own|op))$/);
    expect(security.length > 0 ? security : [[]]).toEqual(OPTIONAL[id] ?? SCHEMES[word!]);
  });

  test('lists exactly the statuses that its shape gives', () => {
    const listed = op.answers.map(([status]) => status).filter((status) => !/^[23]/.test(status));
    expect(listed.sort()).toEqual([...expectedStatuses(op).map(String), 'default']);
    expect(op.successes).toHaveLength(TWO_SUCCESSES.includes(id) ? 2 : 1);
  });

  test('answers every refusal with ApiError', () => {
    for (const [status, answer] of op.answers.filter(([code]) => !/^[23]/.test(code)))
      expect([status, answer.content?.['application/json']?.schema]).toEqual([
        status,
        { $ref: '#/components/schemas/ApiError' },
      ]);
  });

  test('names the headers it takes and gives', () => {
    const [status, answer] = op.successes[0]!;
    const given = Object.keys(answer.headers ?? {});
    const media = answer.content?.['application/json'];
    const schema = media && deref<Node>(media.schema);
    expect(given).toContain('X-Request-Id');
    expect(given.includes('Location')).toBe(op.location !== undefined);
    const paged = op.parameters.some(({ name }) => name === 'cursor');
    expect(given.includes('Link')).toBe(schema?.type === 'array' || paged);
    expect(headerNames(op).includes('Idempotency-Key')).toBe(op.method === 'POST' && authenticated(op));
    if (op.location) expect([status, op.location.startsWith(op.path)]).toEqual(['201', true]);
    if (given.includes('ETag') && op.path.startsWith('/api'))
      expect(JSON.stringify(resolved(schema))).toContain('version');
  });

  test('has valid examples of its body', () => {
    const media = op.body?.content['application/json'];
    if (!media) return expect(op.schema.requestBody).toBeUndefined();
    expect(op.body?.required).toBe(true);
    const examples = Object.values(media.examples ?? {}).map((example) => deref<{ value: unknown }>(example).value);
    expect(examples.length).toBeGreaterThan(0);
    const validate = validatorOf(op);
    const path = Object.fromEntries(op.parameters.filter((p) => p.in === 'path').map((p) => [p.name, ID]));
    for (const body of examples)
      expect(validate({ path, query: {}, headers: {}, body: structuredClone(body) })).toBeUndefined();
  });

  test('has valid examples of its success answer', () => {
    const [status, answer] = op.successes[0]!;
    if (status === '204') return expect(answer.content).toBeUndefined();
    for (const [type, media] of Object.entries(answer.content!)) {
      const examples = Object.values(media.examples ?? {}).map((example) => deref<{ value: unknown }>(example).value);
      expect(examples.length).toBeGreaterThan(0);
      for (const value of examples)
        if (type === 'application/json') expect(checkAnswer(op, Number(status), value)).toBeUndefined();
        else expect(typeof value).toBe('string');
    }
  });

  if (id.startsWith('v1'))
    test('is the twin of an operation for people', () => {
      const twin = operations.find((other) => other.id === twinId(id));
      expect(twin).toBeDefined();
      expect(op.tag).toBe(twin!.tag);
      expect(op.path).toBe(twin!.path.replace('/api/', '/api/v1/'));
      // a public operation has no caller whose repetition could be known; its twin has
      const added = authenticated(op) && !authenticated(twin!) ? [IDEMPOTENCY_KEY] : [];
      expect(op.schema.parameters ?? []).toEqual([...(twin!.schema.parameters ?? []), ...added]);
      expect(op.schema.requestBody).toEqual(twin!.schema.requestBody);
      expect(op.schema['x-body-limit']).toBe(twin!.schema['x-body-limit']);
      const [mine, theirs] = [op.successes[0]!, twin!.successes[0]!];
      expect(schemaOf(mine)).toEqual(schemaOf(theirs));
    });
});

const bodySchema = (body: Op['body']): Node | undefined => body?.content['application/json']?.schema;
const IDEMPOTENCY_KEY = { $ref: '#/components/parameters/IdempotencyKey' };
const ID = '01JQX5M3K9HZNGVX2Z66Z1C02N';
const validatorOf = createRequestValidation(contract);
const checkAnswer = createAnswerValidation(contract);
const schemaOf = ([status, answer]: Op['successes'][number]): unknown => [
  status,
  Object.entries(answer.content ?? {}).map(([type, media]) => [type, media.schema]),
];
const resolved = (schema: Node | undefined): unknown =>
  schema?.allOf ? (schema.allOf as unknown[]).map(deref) : schema;

describe('the document', () => {
  test('uses every operationId once and every declared tag', () => {
    const ids = operations.map((op) => op.id);
    expect(new Set(ids).size).toBe(ids.length);
    const declared = (document.tags as { name: string; description: string }[]).map((tag) => tag.name);
    expect([...new Set(operations.map((op) => op.tag))].sort()).toEqual([...declared].sort());
  });

  test('names no component twice and none like a global', () => {
    for (const kind of Object.values(components))
      for (const name of Object.keys(kind)) expect(name).not.toMatch(/-\d+$/);
    expect(Object.keys(schemas).filter((name) => name in globalThis)).toEqual([]);
  });

  test('knows exactly the error codes that the server can send', () => {
    const codes = schemas.ErrorCode!.enum as ErrorCode[];
    expect(codes.filter((code) => statusOf(code) === undefined)).toEqual([]);
    expect(codes).toHaveLength(40);
  });

  test('closes every object but the free maps', () => {
    const open: string[] = [];
    const bases = /^schemas\.\w+Base$/;
    const all = [
      ...nodes(schemas, 'schemas'),
      ...nodes(document.paths, 'paths'),
      ...nodes(components.responses, 'responses'),
    ];
    for (const [path, node] of all) {
      const isObject = [node.type].flat().includes('object');
      if (isObject && !bases.test(path) && node.additionalProperties !== false && node.unevaluatedProperties !== false)
        open.push(path);
    }
    expect(open.sort()).toEqual(OPEN);
  });

  test('uses open bases only under closed schemas', () => {
    const users = Object.values(schemas).filter((schema) => JSON.stringify(schema).includes('Base"'));
    expect(users.length).toBeGreaterThan(0);
    for (const schema of users) expect(schema.unevaluatedProperties).toBe(false);
  });

  test('avoids what the validator and the generator do not carry', () => {
    for (const [path, node] of nodes(schemas, 'schemas'))
      for (const word of ['multipleOf', 'discriminator', 'nullable', 'readOnly', 'writeOnly'])
        if (!path.endsWith('.properties')) expect([path, word in node && word]).toEqual([path, false]);
  });

  test('bounds every list and free map of a request, so that the values of a body are bounded', () => {
    const open = operations.flatMap(({ id, body }) =>
      unbounded(bodySchema(body)).map((path) => `${twinId(id)} ${path}`),
    );
    expect([...new Set(open)].sort()).toEqual(['recordUsage .anyOf.1.items']);
  });

  test('names the operations whose body may be larger than 16 KB, and leaves room for every valid body', () => {
    const larger: Record<string, number> = {};
    for (const { id, body, bodyLimit } of operations) {
      if (bodyLimit !== undefined) larger[twinId(id)] = bodyLimit;
      if (body && !ROOM_ELSEWHERE.includes(twinId(id)))
        expect([id, largest(bodySchema(body)) <= (bodyLimit ?? 16_384)]).toEqual([id, true]);
    }
    expect(larger).toEqual(LARGER);
  });

  test('takes passwords and secrets as they are', () => {
    expect([...contract.untrimmed].sort()).toEqual(UNTRIMMED);
  });

  test('refuses an example that does not fit', () => {
    const op = operations.find((operation) => operation.id === 'createProduct')!;
    const refused = validatorOf(op)({
      path: {},
      query: {},
      headers: {},
      body: { name: '', productType: 'saas', price: '-1', colour: 'red' },
    });
    expect(Object.keys(refused!).sort()).toEqual(['colour', 'name', 'price']);
    expect(checkAnswer(op, 201, { name: 'Pro' })).toEqual(expect.any(String));
  });
});

/** 201 when something was stored, 200 when nothing new was (contract 1.1). */
const TWO_SUCCESSES = ['recordUsage', 'v1RecordUsage'];

const OPEN = [
  'schemas.ApiError.properties.fields',
  'schemas.BillingEvent.properties.data',
  'schemas.ExplanationStep.properties.inputs',
  'schemas.Features',
  'schemas.Metadata',
  'schemas.ParkedItem.properties.evidence',
  'schemas.PublishedDocument',
  'schemas.UsageBatch.items',
  'schemas.UsageItemError.properties.fields',
];

const KIB = 1024;
/** Metadata and features of the largest size, invoices of 500 lines, usage batches, licence files. */
const LARGER = {
  createCustomer: 96 * KIB,
  updateCustomer: 96 * KIB,
  createSubscription: 96 * KIB,
  updateSubscription: 96 * KIB,
  createPlan: 64 * KIB,
  updatePlan: 64 * KIB,
  createLicense: 64 * KIB,
  updateLicense: 64 * KIB,
  createInvoice: 1024 * KIB,
  updateInvoice: 1024 * KIB,
  recordUsage: 1024 * KIB,
  verifyLicense: 128 * KIB,
};
/** Features are held to 16 KiB and events to the whole body by the server; a licence file is ASCII. */
const ROOM_ELSEWHERE = ['createPlan', 'updatePlan', 'createLicense', 'updateLicense', 'recordUsage', 'verifyLicense'];

const PASSWORDS = ['currentPassword', 'newPassword', 'password'];
const UNTRIMMED = [...PASSWORDS, 'apiKey', 'secretKey', 'taxjarApiKey', 'webhookSecret', 'webhookToken'].sort();
