import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { fromNewAddress, PASSWORD } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ config: { trustProxy: 1 } });
});
afterAll(() => app.close());

const login = async (email: string, password: string, headers = fromNewAddress()) => {
  const answer = await app.anonymous.post('/api/auth/login', { email, password }, headers);
  return { code: answer.body.error ?? answer.status, retryAfter: answer.headers['retry-after'] };
};
const fail = async (email: string, times: number, headers?: Record<string, string>) => {
  for (let i = 0; i < times; i++) expect((await login(email, 'wrong', headers)).code).toBe('invalid_credentials');
};

describe('an e-mail (rules H3)', () => {
  test('429 rate_limited after the fifth failure, for a minute, then longer', async () => {
    const { email } = await app.given.user();
    await fail(email, 5);
    expect(await login(email, PASSWORD)).toEqual({ code: 'rate_limited', retryAfter: '60' });
    app.clock.advance({ ms: 59_001 });
    expect(await login(email, PASSWORD)).toEqual({ code: 'rate_limited', retryAfter: '1' });
    app.clock.advance({ ms: 999 });
    await fail(email, 1);
    expect(await login(email, PASSWORD)).toEqual({ code: 'rate_limited', retryAfter: '120' });
    app.clock.advance({ ms: 120_000 });
    expect((await login(email, PASSWORD)).code).toBe(200);
  });

  test('429 attempts while blocked are not counted', async () => {
    const { email } = await app.given.user();
    await fail(email, 5);
    for (let i = 0; i < 4; i++) expect((await login(email, 'wrong')).code).toBe('rate_limited');
    app.clock.advance({ ms: 60_000 });
    await fail(email, 1);
    expect((await login(email, PASSWORD)).retryAfter).toBe('120');
  });

  test('200 forgets the failures', async () => {
    const { email } = await app.given.user();
    await fail(email, 4);
    expect((await login(email, PASSWORD)).code).toBe(200);
    await fail(email, 4);
    expect((await login(email, PASSWORD)).code).toBe(200);
  });

  test('200 after 24 h the failures are forgotten', async () => {
    const { email } = await app.given.user();
    await fail(email, 4);
    app.clock.advance({ days: 1 });
    await fail(email, 4);
    expect((await login(email, PASSWORD)).code).toBe(200);
  });

  test('429 for an e-mail nobody has, whatever its case, just the same', async () => {
    await fail('nobody@acme.example', 5);
    expect(await login('NOBODY@acme.example', 'wrong')).toEqual({ code: 'rate_limited', retryAfter: '60' });
  });

  test('429 parallel guesses gain nothing: five are answered, and the right password is not among the rest', async () => {
    const { email } = await app.given.user();
    const guesses = [...Array(15).fill('wrong'), PASSWORD, ...Array(4).fill('wrong')];
    const answers = await Promise.all(guesses.map((password) => login(email, password)));
    const codes = answers.map((answer) => answer.code);
    const failures = codes.filter((code) => code === 'invalid_credentials').length;
    // The right one may be among the first five: then it forgets the failures before it, and five more are answered.
    if (codes.includes(200)) expect(failures).toBeLessThanOrEqual(9);
    else expect(failures).toBe(5);
    expect((await login(email, PASSWORD)).code).toBe('rate_limited');
  });

  test('is kept as a hash only', async () => {
    await fail('secret-address@acme.example', 1);
    const rows = await app.database.read('login_throttle');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain('secret-address');
  });
});

describe('an address', () => {
  test('429 after 20 failures with whatever e-mails, also for the right password; others are not hindered', async () => {
    const { email } = await app.given.user();
    const here = fromNewAddress();
    for (let i = 0; i < 20; i++) await fail(`guess-${i}@acme.example`, 1, here);
    expect(await login(email, PASSWORD, here)).toEqual({ code: 'rate_limited', retryAfter: '60' });
    expect((await login(email, PASSWORD)).code).toBe(200);
    app.clock.advance({ ms: 60_000 });
    expect((await login(email, PASSWORD, here)).code).toBe(200);
    await fail(email, 1, here);
    expect((await login(email, PASSWORD, here)).retryAfter).toBe('120');
  });

  test('429 the addresses of a /64 are one, and an IPv4 address is the same one written as IPv6', async () => {
    const { email } = await app.given.user();
    const from = (ip: string) => ({ 'X-Forwarded-For': ip });
    for (let i = 0; i < 20; i++) await fail(`six-${i}@acme.example`, 1, from(`2001:db8:7:7::${i + 1}`));
    expect((await login(email, PASSWORD, from('2001:db8:7:7:ffff::1'))).code).toBe('rate_limited');
    expect((await login(email, PASSWORD, from('2001:db8:7:8::1'))).code).toBe(200);
    for (let i = 0; i < 20; i++)
      await fail(`four-${i}@acme.example`, 1, from(i % 2 ? '192.0.2.9' : '::ffff:192.0.2.9'));
    expect((await login(email, PASSWORD, from('192.0.2.9'))).code).toBe('rate_limited');
  });

  test('429 of a hundred at once 18 are checked or wait; another address is not kept out', async () => {
    const { email } = await app.given.user();
    const here = fromNewAddress();
    const flood = Array.from({ length: 100 }, (_, i) => login(`flood-${i}@acme.example`, 'wrong', here));
    const other = await login(email, PASSWORD);
    const answers = await Promise.all(flood);
    expect(other.code).toBe(200);
    expect(answers.filter(({ code }) => code === 'rate_limited').length).toBeGreaterThan(60);
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['invalid_credentials', 'rate_limited']));
  });
});
