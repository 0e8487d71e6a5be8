import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** Whether the policy lets a page of ours load only from ourselves. */
function isOwnOriginOnly(policy: string): boolean {
  return policy.split('; ').every((directive) =>
    directive
      .split(' ')
      .slice(1)
      .every((source) => /^'(none|self|unsafe-inline)'$|^data:$/.test(source)),
  );
}

describe('GET /docs', () => {
  test('200 a page whose files all come from this server', async () => {
    const page = await app.anonymous.get('/docs');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toMatch(/^text\/html/);
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(files.length).toBeGreaterThanOrEqual(4);
    for (const file of files) {
      expect(file).toMatch(/^\/docs\/[\w.-]+$/);
      const answer = await app.anonymous.get(file);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^(text\/css|text\/javascript|image\/png)/);
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['x-request-id']).toMatch(/^[0-9A-Z]{26}$/);
    }
  });

  test('200 with a policy that allows our origin only, and no inline script', async () => {
    const page = await app.anonymous.get('/docs');
    const policy = page.headers['content-security-policy']!;
    expect(isOwnOriginOnly(policy)).toBe(true);
    expect(policy).toContain("script-src 'self';");
    expect(page.text).not.toMatch(/<script>/);
    expect(page.text).not.toMatch(/https?:/);
  });

  test('200 the initializer loads our document and calls no validator', async () => {
    const { text } = await app.anonymous.get('/docs/initializer.js');
    expect(text).toContain("url: '/openapi.json'");
    expect(text).toContain('validatorUrl: null');
  });

  test('308 from /docs/ to /docs', async () => {
    for (const path of ['/docs/', '/docs/?a=1']) {
      const answer = await app.anonymous.get(path);
      expect([answer.status, answer.headers.location]).toEqual([308, '/docs']);
    }
  });

  test.each([
    '/docs/index.html',
    '/docs/swagger-ui.js.map',
    '/docs/package.json',
    '/docs/..%2fpackage.json',
    '/docs/a/b',
  ])('404 not_found for %s', async (path) => {
    const answer = await app.anonymous.get(path);
    expect([answer.status, answer.body.error]).toEqual([404, 'not_found']);
  });
});
