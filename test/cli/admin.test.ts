import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AdminError, runAdmin } from '../../src/cli/admin.ts';
import { auditOf, fromNewAddress, loggedIn } from '../accounts/support.ts';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ config: { trustProxy: 1 } });
});
afterAll(() => app.close());

const PASSWORD = 'typed by a person';
const admin = (args: string, password = PASSWORD) => runAdmin(args.split(' '), app.runtime, async () => password);
const login = (email: string, password: string) =>
  app.anonymous.post('/api/auth/login', { email, password }, fromNewAddress());

describe('npm run admin -- create', () => {
  test('creates an admin who can log in', async () => {
    expect(await admin('create --email Ops@Acme.Example --name Ops')).toContain('ops@acme.example');
    const { status, body } = await login('ops@acme.example', PASSWORD);
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ role: 'admin', name: 'Ops', authProvider: 'local' });
    expect((await auditOf(app, body.user.id))[0]).toMatchObject({ actor_type: 'cli', action: 'admin.create' });
  });

  test('refuses a taken e-mail', async () => {
    const { email } = await app.given.user();
    await expect(admin(`create --email ${email}`)).rejects.toThrow('exists already');
  });

  test.each(['elevenchars', 'x'.repeat(129), ''])('refuses the password %p', async (password) => {
    await expect(admin('create --email new@acme.example', password)).rejects.toThrow('12 to 128');
    expect(await app.database.read('users').where({ email: 'new@acme.example' })).toEqual([]);
  });
});

describe('npm run admin -- reset-password', () => {
  test('sets the password, ends the sessions and lifts the block', async () => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    for (let i = 0; i < 5; i++) await login(user.email, 'wrong');
    expect((await login(user.email, 'wrong')).body.error).toBe('rate_limited');
    expect(await admin(`reset-password --email ${user.email.toUpperCase()}`)).toContain(user.email);
    expect((await session.get('/api/auth/me')).body.error).toBe('unauthorized');
    expect((await login(user.email, PASSWORD)).status).toBe(200);
    const rows = await auditOf(app, user.id);
    expect(rows.find((row) => row.action === 'admin.resetPassword')).toMatchObject({ actor_type: 'cli' });
    expect(JSON.stringify(rows)).not.toMatch(/argon2|typed by/);
  });

  test('refuses an unknown e-mail without asking for a password', async () => {
    const run = runAdmin(['reset-password', '--email', 'nobody@acme.example'], app.runtime, () => {
      throw new Error('asked');
    });
    await expect(run).rejects.toThrow('There is no user');
  });
});

test.each([
  'help',
  'create',
  'create --email nonsense',
  'create extra --email a@b.example',
  'create --email a@b.example --password hunter2hunter2',
  `create --email a@b.example --name ${'x'.repeat(256)}`,
])('%s is refused with a message', async (args) => {
  await expect(admin(args)).rejects.toThrow(AdminError);
});
