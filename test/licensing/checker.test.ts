import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type CheckerOptions, createLicenseChecker } from '../../generated/sdk/src/license.ts';
import { readVector, readVectorJson } from '../support/licensing.ts';

const KEY = 'RUSTBILL-7K3F-9QWX-M2TB';
const file = (id: string) => readVector(`files/${id}.lic`).toString();
const good = { valid: true, status: 'active', features: { pro: true }, expiresAt: '2027-01-15T10:00:00.000Z' };
const bad = (error: string) => ({ valid: false, status: 'revoked', features: {}, expiresAt: null, error });

let server: Server;
let baseUrl: string;
let answer: RequestListener;
let asked: unknown[];
let stored: string | null;
let time: Date;
let installed: string | null;

const json =
  (body: unknown, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  };
const cut: RequestListener = (request) => request.socket.destroy();

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    response.setHeader('Connection', 'close');
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push([request.method, request.url, request.headers.cookie, body && JSON.parse(body)]);
      answer(request, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((closed) => server.close(closed));
});
beforeEach(() => {
  answer = json(good);
  asked = [];
  stored = null;
  time = new Date('2026-06-01T12:00:00Z');
  installed = file('rules');
});

const checker = (changes: Partial<CheckerOptions> = {}) =>
  createLicenseChecker({
    baseUrl,
    licenseKey: KEY,
    productId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C7',
    deviceId: 'laptop-1',
    publicKeys: readVectorJson<{ keys: { kty: string }[] }>('keys/one.jwks.json'),
    readFile: () => installed,
    storage: {
      load: () => stored,
      save: (text) => {
        stored = text;
      },
    },
    now: () => time,
    ...changes,
  });
/** One run of the product. */
const start = (changes: Partial<CheckerOptions> = {}) => checker(changes).check();

describe('online', () => {
  test('valid, and the device is registered with what was given', async () => {
    const result = await start({ licenseKey: ` ${KEY.toLowerCase()} `, deviceName: 'Laptop of Ada' });
    expect(result).toEqual({
      valid: true,
      source: 'online',
      entitlements: { pro: true },
      expiresAt: '2027-01-15T10:00:00.000Z',
    });
    const body = {
      licenseKey: KEY,
      deviceId: 'laptop-1',
      deviceName: 'Laptop of Ada',
      productId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C7',
    };
    expect(asked).toEqual([['POST', '/api/licenses/validate', undefined, body]]);
  });

  test('a server below a path', async () => {
    await start({ baseUrl: `${baseUrl}/billing/` });
    expect(asked).toEqual([['POST', '/billing/api/licenses/validate', undefined, expect.anything()]]);
  });

  test('asked once for parallel checks, and again after an hour', async () => {
    const running = checker();
    expect(await Promise.all([running.check(), running.check()])).toMatchObject([{ valid: true }, { valid: true }]);
    time = new Date('2026-06-01T12:59:59Z');
    await running.check();
    expect(asked).toHaveLength(1);
    time = new Date('2026-06-01T13:00:00Z');
    answer = json(bad('license_revoked'));
    expect(await running.check()).toEqual({ valid: false, source: 'online', reason: 'license_revoked' });
    time = new Date('2026-06-01T13:00:01Z');
    answer = json(good);
    expect(await running.check()).toMatchObject({ valid: true });
    time = new Date('2026-05-01T00:00:00Z');
    await running.check();
    expect(asked).toHaveLength(4);
  });

  test.each([
    'license_revoked',
    'license_suspended',
    'license_expired',
    'license_product_mismatch',
    'activation_limit_reached',
  ])('%s, and it stays so offline although the file is good', async (error) => {
    await start();
    answer = json(bad(error));
    expect(await start()).toEqual({ valid: false, source: 'online', reason: error });
    answer = cut;
    expect(await start()).toEqual({ valid: false, source: 'remembered', reason: error });
    answer = json(good);
    expect(await start()).toMatchObject({ valid: true, source: 'online' });
    answer = cut;
    expect(await start()).toMatchObject({ valid: true, source: 'file' });
  });

  test('license_not_found for a licence that was deleted', async () => {
    await start();
    answer = json({ error: 'license_not_found', message: 'No such license.', requestId: 'X' }, 404);
    expect(await start()).toEqual({ valid: false, source: 'online', reason: 'license_not_found' });
    answer = cut;
    expect(await start()).toEqual({ valid: false, source: 'remembered', reason: 'license_not_found' });
  });

  test('license_refused for a refusal that only a later server knows', async () => {
    answer = json(bad('license_lent_out'));
    expect(await start()).toEqual({ valid: false, source: 'online', reason: 'license_refused' });
  });

  test('a refusal of one licence does not stop another', async () => {
    answer = json(bad('license_revoked'));
    await start({ licenseKey: 'RUSTBILL-2222-3333-4444' });
    answer = json(good);
    await start();
    answer = cut;
    expect(await start()).toMatchObject({ valid: true, source: 'file' });
    expect(await start({ licenseKey: 'RUSTBILL-2222-3333-4444' })).toMatchObject({ source: 'remembered' });
  });
});

describe('offline', () => {
  beforeEach(async () => {
    await start();
    answer = cut;
  });

  test('the file decides on a device that was online once', async () => {
    expect(await start()).toEqual({
      valid: true,
      source: 'file',
      entitlements: { beta: false, enterprise: true, max_users: 50, pro: true },
      expiresAt: '2027-01-15',
      inGracePeriod: false,
    });
  });

  test.each<[string, RequestListener]>([
    ['a cut line', cut],
    ['a slow server', () => undefined],
    ['a body that does not come', (_, response) => response.writeHead(200).write('{"valid":')],
    ['a portal', (_, response) => response.end('<html>Please log in</html>')],
    ['a redirect', (_, response) => response.writeHead(302, { Location: '/other' }).end()],
    ['an overloaded server', json({ error: 'rate_limited', message: 'Slow down' }, 429)],
    ['a broken server', json({ error: 'internal_error' }, 500)],
    ['a 404 of somebody else', json({ error: 'not_found' }, 404)],
    ['a good answer with the wrong status', json(good, 203)],
    ['a list', json([good])],
    ['valid that is not true', json({ ...good, valid: 'true' })],
    ['no features', json({ ...good, features: null })],
    ['no expiry', json({ ...good, expiresAt: 7 })],
  ])('the file decides with %s', async (_, listener) => {
    answer = listener;
    expect(await start({ timeoutMs: 300 })).toMatchObject({ valid: true, source: 'file' });
    installed = null;
    const refused = { valid: false, source: 'file', reason: 'offline_without_file' };
    expect(await start({ timeoutMs: 300 })).toEqual(refused);
  });

  test.each<[string, string, Partial<CheckerOptions>]>([
    ['malformed', 'truncated', {}],
    ['bad_signature', 'tampered-exp', {}],
    ['unknown_key', 'foreign', {}],
    ['wrong_product', 'rules', { productId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C8' }],
    ['wrong_license', 'other-license-seen', {}],
    ['not_activated', 'rules', { deviceId: 'laptop-2' }],
    ['wrong_license', 'rules', { licenseKey: '' }],
  ])('%s with %s', async (reason, id, changes) => {
    installed = file(id);
    expect(await start(changes)).toEqual({ valid: false, source: 'file', reason });
  });

  test('expired, with grace, and too long away', async () => {
    time = new Date('2027-01-16T00:00:00Z');
    expect(await start()).toMatchObject({ valid: false, reason: 'expired' });
    expect(await start({ graceDays: 3 })).toMatchObject({ valid: true, inGracePeriod: true });
    time = new Date('2026-06-08T12:00:00Z');
    const fortnight = { maxOfflineDays: 7 };
    const { answers } = JSON.parse(stored!);
    delete answers[KEY].latest;
    stored = JSON.stringify({ answers, state: null }); // as if that time had never been seen
    expect(await start(fortnight)).toMatchObject({ valid: true });
    time = new Date('2026-06-08T12:00:01Z');
    expect(await start(fortnight)).toMatchObject({ valid: false, reason: 'offline_too_long' });
    answer = json(good);
    expect(await start(fortnight)).toMatchObject({ valid: true, source: 'online' });
    answer = cut;
    expect(await start(fortnight)).toMatchObject({ valid: true, source: 'file' });
  });

  test('clock_rolled_back when the clock stands before the last answer of the server', async () => {
    time = new Date('2026-05-31T11:59:59Z');
    installed = file('never-expires');
    expect(await start()).toMatchObject({ valid: false, reason: 'clock_rolled_back' });
    time = new Date('2026-05-31T12:00:00Z');
    expect(await start()).toMatchObject({ valid: true });
  });

  test('a server that did not answer is asked again after a minute; the file is looked at each time', async () => {
    const running = checker();
    asked = [];
    expect(await running.check()).toMatchObject({ valid: true, source: 'file' });
    answer = json(good);
    time = new Date('2026-06-01T12:00:59Z');
    installed = file('truncated');
    expect(await running.check()).toMatchObject({ valid: false, source: 'file', reason: 'malformed' });
    expect(asked).toHaveLength(1);
    time = new Date('2026-06-01T12:01:00Z');
    expect(await running.check()).toMatchObject({ valid: true, source: 'online' });
    expect(asked).toHaveLength(2);
  });

  test('file_rolled_back when a newer file was there, also when it was refused', async () => {
    installed = file('newer-expired');
    expect(await start()).toMatchObject({ valid: false, reason: 'expired' });
    installed = file('rules');
    expect(await start()).toMatchObject({ valid: false, reason: 'file_rolled_back' });
  });

  test('offline_without_file when the file cannot be read', async () => {
    const readFile = () => Promise.reject(new Error('ENOENT'));
    expect(await start({ readFile })).toMatchObject({ reason: 'offline_without_file' });
  });
});

describe('the storage', () => {
  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"state":null}',
    '{"state":[],"answers":{}}',
    '{"state":null,"answers":[]}',
    `{"state":null,"answers":{"${KEY}":null}}`,
    `{"state":null,"answers":{"${KEY}":{"deviceId":"laptop-1"}}}`,
    `{"state":{"${KEY}":{"highestSeq":"1"}},"answers":{"${KEY}":{"deviceId":"laptop-1","at":0}}}`,
  ])('bad_state offline with %s; the server mends it', async (text) => {
    stored = text;
    answer = cut;
    expect(await start()).toEqual({ valid: false, source: 'file', reason: 'bad_state' });
    expect(stored).toBe(text);
    answer = json(good);
    expect(await start()).toMatchObject({ valid: true, source: 'online' });
    answer = cut;
    expect(await start()).toMatchObject({ valid: true, source: 'file' });
  });

  test('not_activated when it is empty: a copied file is not enough', async () => {
    answer = cut;
    expect(await start()).toEqual({ valid: false, source: 'file', reason: 'not_activated' });
  });

  const failing = { load: () => stored, save: () => Promise.reject(new Error('Disk full')) };
  test('storage_failed when it cannot be read or written, online and offline', async () => {
    expect(await start({ storage: failing })).toMatchObject({ valid: false, reason: 'storage_failed' });
    await start();
    answer = cut;
    expect(await start({ storage: failing })).toMatchObject({ valid: false, reason: 'storage_failed' });
    const unreadable = { ...failing, load: () => Promise.reject(new Error('No permission')) };
    expect(await start({ storage: unreadable })).toMatchObject({ valid: false, reason: 'storage_failed' });
  });

  test('a refusal of the server is told although it cannot be kept', async () => {
    answer = json(bad('license_revoked'));
    expect(await start({ storage: failing })).toMatchObject({ valid: false, reason: 'license_revoked' });
  });
});

describe('the options', () => {
  test.each<[string, Record<string, unknown>]>([
    ['plain HTTP to another machine', { baseUrl: 'http://billing.example.com' }],
    ['a name that only looks local', { baseUrl: 'http://localhost.example.com' }],
    ['no URL', { baseUrl: 'billing.example.com' }],
    ['another scheme', { baseUrl: 'file:///tmp' }],
    ['no licence key', { licenseKey: undefined }],
    ['no product', { productId: '' }],
    ['no device', { deviceId: '' }],
    ['a long device', { deviceId: 'x'.repeat(256) }],
    ['no keys', { publicKeys: [] }],
    ['no storage', { storage: undefined }],
    ['a storage that cannot save', { storage: { load: () => null } }],
    ['no time for the server', { timeoutMs: 0 }],
    ['endless time for the server', { timeoutMs: Number.POSITIVE_INFINITY }],
    ['negative grace', { graceDays: -1 }],
    ['a year without asking', { askEveryMinutes: 525_600 }],
    ['negative days', { maxOfflineDays: -1 }],
  ])('TypeError at once for %s', (_, changes) => {
    expect(() => checker(changes as Partial<CheckerOptions>)).toThrow(TypeError);
  });

  test('TypeError when the clock gives no time', async () => {
    await expect(start({ now: () => new Date('never') })).rejects.toThrow(TypeError);
    expect(stored).toBeNull();
  });

  test('https to any machine', async () => {
    const urls: unknown[] = [];
    const fetch = (url: unknown) => {
      urls.push(url);
      return Promise.resolve(Response.json(good));
    };
    await start({ baseUrl: 'https://billing.example.com', fetch: fetch as typeof globalThis.fetch });
    expect(urls).toEqual(['https://billing.example.com/api/licenses/validate']);
  });
});
