import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TAX_PROVIDERS, taxOf } from '../../src/providers/list.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { sourceFiles } from '../support/source.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** Whether code outside of the settings, and of the environment they fall back to, names the member. */
const text = sourceFiles()
  .filter(({ path }) => !/^src\/(settings|migrations|platform)\/|^generated\//.test(path))
  .map((file) => file.text)
  .join('\n');
const isRead = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);

test('200 the billing settings name exactly those that nothing reads', async () => {
  const { body } = await app.api.get('/api/settings/billing');
  const { dunning, withoutEffect, updatedAt: _, ...flat } = body;
  const idle = Object.keys(flat).filter((member) => !isRead(member));
  const { enabled: __, ...schedule } = dunning;
  if (!Object.keys(schedule).some(isRead)) idle.push('dunning');
  expect(withoutEffect).toEqual(idle);
  const changed = await app.api.put('/api/settings/billing', { dunning: { ...dunning, reminderDays: 1 } });
  expect([changed.status, changed.body.withoutEffect]).toEqual([200, ['dunning']]);
});

test('200 the provider settings name exactly those that nothing reads', async () => {
  const { body } = await app.api.get('/api/settings/providers');
  const { withoutEffect, ...sections } = body;
  const shown = ['configured', 'source'];
  const idle = Object.entries<object>(sections).flatMap(([section, members]) =>
    Object.keys(members)
      .filter((member) => !shown.includes(member) && !isReadOf(section, member))
      .map((member) => `${section}.${member}`),
  );
  expect([...withoutEffect].sort()).toEqual(idle.sort());
});

/** The tax provider alone is asked for; its key may be one of another section (src/settings/provider-store.ts). */
function isReadOf(section: string, member: string): boolean {
  return section === 'tax' || TAX_PROVIDERS.some((name) => taxOf(name).key === `${section}.${member}`);
}

test('400 nobody can write what has no effect away', async () => {
  const answer = await app.api.put('/api/settings/billing', { withoutEffect: [] });
  expect([answer.status, answer.body.error]).toEqual([400, 'validation_error']);
});
