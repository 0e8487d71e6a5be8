import { createServer, type Server } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Message } from '../../src/mail/compose.ts';
import { emailChannel, LEASE_MS, LONGEST_MS, SCHEDULE, sendEmails } from '../../src/mail/send.ts';
import { EMAILS, toEmail } from '../../src/mail/store.ts';
import { smtpTransport } from '../../src/mail/transport.ts';
import { drain } from '../../src/outbox/drain.ts';
import { triesOf } from '../../src/outbox/schedule.ts';
import { claimDue } from '../../src/outbox/store.ts';
import { addMilliseconds } from '../../src/platform/calendar.ts';
import type { MailConfig } from '../../src/platform/mail-config.ts';
import type { TestApp } from '../support/app.ts';
import { headersOf, smtpError } from '../support/smtp.ts';
import { closeAll, emailsOf, mailingApp, mailServer, quietInvoice, send } from './support.ts';

afterEach(closeAll);

/** One e-mail is due. */
async function queued(app: TestApp): Promise<void> {
  const invoice = await quietInvoice(app);
  await send(app, invoice.id, { to: 'ap@acme.example' });
}
const row = async (app: TestApp) => (await emailsOf(app))[0];
/** Takes what is due, as a process does that dies before it notes an outcome. */
const claim = async (app: TestApp) =>
  claimDue(app.database.write, EMAILS, app.clock.now(), { tries: triesOf(SCHEDULE), leaseMs: LEASE_MS, atMost: 10 });

describe('the way to the mail server', () => {
  const login = { user: 'rust bill', pass: 'p@ss:word/ü' };

  test.each(['implicit', 'starttls'] as const)('%s TLS with a login', async (tls) => {
    const smtp = await mailServer({ tls, login });
    const app = await mailingApp(smtp);
    await queued(app);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 1, failed: 0 });
    expect(smtp.received).toMatchObject([{ secure: true, user: 'rust bill' }]);
  });

  test('a certificate that nobody vouches for is not trusted', async () => {
    const smtp = await mailServer({ tls: 'implicit' });
    const app = await mailingApp(smtp, { config: { mail: smtp.config({ ca: undefined }) } });
    await queued(app);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect(smtp.received).toEqual([]);
    expect(await row(app)).toMatchObject({ state: 'pending', attempts: 1 });
  });

  test('credentials do not leave without TLS where it is required', async () => {
    const smtp = await mailServer({ tls: 'none', login });
    const app = await mailingApp(smtp, { config: { mail: smtp.config({ requireTls: true }) } });
    await queued(app);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect((await row(app)).last_error).not.toContain(login.pass);
  });

  test('a refused login is tried again, and neither the log nor the row holds the password or the recipient', async () => {
    const smtp = await mailServer({ tls: 'implicit', login });
    const lines = new PassThrough();
    const log = pino({ level: 'debug' }, lines);
    let written = '';
    lines.on('data', (chunk) => {
      written += chunk;
    });
    const auth = { user: login.user, pass: 'the-wrong-password' };
    const app = await mailingApp(smtp, { log, config: { mail: smtp.config({ auth }) } });
    await queued(app);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    const stored = await row(app);
    expect(stored).toMatchObject({ state: 'pending', attempts: 1 });
    expect(written).toContain('"responseCode":535');
    expect(written).toContain(stored.id);
    for (const secret of [
      'the-wrong-password',
      Buffer.from('the-wrong-password').toString('base64'),
      'ap@acme.example',
    ])
      expect(written + stored.last_error).not.toContain(secret);
  });
});

describe('a mail server that does not take it', () => {
  test('with 4xx is asked again after 1 minute, 10 minutes, 1 hour and 6 hours, then no more (E10)', async () => {
    const smtp = await mailServer({
      onMessage: () => {
        throw smtpError(451, 'Try again later');
      },
    });
    const app = await mailingApp(smtp);
    await queued(app);
    const pauses = [60_000, 600_000, 3_600_000, 21_600_000];
    for (const [i, pause] of pauses.entries()) {
      expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
      const next = addMilliseconds(app.clock.now(), pause);
      expect(await row(app)).toMatchObject({ state: 'pending', attempts: i + 1, next_attempt_at: next });
      expect((await row(app)).last_error).toContain('451');
      app.clock.set(addMilliseconds(next, -1));
      expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 0 });
      app.clock.set(next);
    }
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect(await row(app)).toMatchObject({ state: 'failed', attempts: 5, next_attempt_at: null });
    app.clock.advance({ days: 10 });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 0 });
    expect((await app.anonymous.get('/metrics')).text).toMatch(/^emails_failed 1$/m);
  });

  test('for good (5xx) is not asked again', async () => {
    const smtp = await mailServer({
      onRecipient: () => {
        throw smtpError(550, 'No such user');
      },
    });
    const app = await mailingApp(smtp);
    await queued(app);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect(await row(app)).toMatchObject({ state: 'failed', attempts: 1 });
  });

  test('at first, and then does', async () => {
    let busy = true;
    const smtp = await mailServer({
      onMessage: () => {
        if (busy) throw smtpError(452);
      },
    });
    const app = await mailingApp(smtp);
    await queued(app);
    await sendEmails(app.runtime);
    busy = false;
    app.clock.advance({ ms: 60_000 });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 1, failed: 0 });
    expect(await row(app)).toMatchObject({ state: 'sent', attempts: 2, last_error: null });
  });

  test('because it hangs up, or is not there', async () => {
    const app = await mailingApp(await mailServer(), { config: { mail: await rude((socket) => socket.destroy()) } });
    await queued(app);
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect(await row(app)).toMatchObject({ state: 'pending', attempts: 1 });
  });

  test('because it never comes to an end: the try is given up', async () => {
    const drip = (socket: import('node:net').Socket) => {
      const timer = setInterval(() => socket.write('220-still here\r\n'), 20);
      socket.on('close', () => clearInterval(timer)).on('error', () => {});
    };
    const mail = await rude(drip);
    const app = await mailingApp(await mailServer(), { config: { mail } });
    await queued(app);
    const channel = { ...emailChannel(app.runtime, mail, smtpTransport(mail)), longestMs: 300 };
    expect(await drain(app.runtime, channel)).toEqual({ sent: 0, failed: 1 });
    expect(await row(app)).toMatchObject({ state: 'pending', attempts: 1 });
    expect((await row(app)).last_error).toBe('The try took longer than 300 ms.');
  });

  test('for a minute all in all, and the connection is closed then: its claim lasts five (E10)', async () => {
    expect([LONGEST_MS, LEASE_MS]).toEqual([60_000, 300_000]);
    const closed = Promise.withResolvers<void>();
    const mail = await rude((socket) => {
      const timer = setInterval(() => socket.write('220-still here\r\n'), 20);
      socket
        .on('error', () => {})
        .on('close', () => {
          clearInterval(timer);
          closed.resolve();
        });
    });
    const sent = smtpTransport(mail)(MESSAGE, AbortSignal.timeout(300));
    await expect(sent).rejects.toMatchObject({ message: expect.stringMatching(/abort/i) });
    await closed.promise;
  });

  test('stops none of the others', async () => {
    const smtp = await mailServer({
      onRecipient: (address) => {
        if (address === 'bad@acme.example') throw smtpError(550);
      },
    });
    const app = await mailingApp(smtp);
    const invoice = await quietInvoice(app);
    for (const to of ['a@acme.example', 'bad@acme.example', ...'bcdefg'.split('').map((one) => `${one}@acme.example`)])
      await send(app, invoice.id, { to });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 7, failed: 1 });
    expect(smtp.received.map(({ to }) => to[0]).sort()).toEqual(
      'abcdefg'.split('').map((one) => `${one}@acme.example`),
    );
  });
});

const MESSAGE: Message = {
  from: { name: 'Seller', address: 'billing@seller.example' },
  to: 'ap@acme.example',
  replyTo: null,
  subject: 'S',
  messageId: '<1@seller.example>',
  date: 'Sun, 15 Mar 2026 10:30:00 +0000',
  text: 'T',
  html: '<p>T</p>',
  attachments: [],
};

describe('nothing is read from files or fetched, whatever a message says', () => {
  test.each([
    ['a file', { path: '/etc/hostname' }],
    ['an address', { href: 'http://127.0.0.1:9/' }],
    ['a file as a link', { path: 'file:///etc/hostname' }],
  ])('%s as an attachment', async (_, source) => {
    const smtp = await mailServer();
    const attachments = [{ filename: 'a.txt', ...source }] as unknown as Message['attachments'];
    const sent = smtpTransport(smtp.config())({ ...MESSAGE, attachments }, AbortSignal.timeout(5000));
    await expect(sent).rejects.toThrow(/^(File|Url) access rejected/i);
    expect(smtp.received).toEqual([]);
  });

  test.each(['text', 'html'])('a file as the %s', async (member) => {
    const smtp = await mailServer();
    const message = { ...MESSAGE, [member]: { path: '/etc/hostname' } } as unknown as Message;
    await expect(smtpTransport(smtp.config())(message, AbortSignal.timeout(5000))).rejects.toThrow(
      /^File access rejected/i,
    );
    expect(smtp.received).toEqual([]);
  });
});

/** A listener that speaks no SMTP. */
async function rude(onConnection: (socket: import('node:net').Socket) => void): Promise<MailConfig> {
  const server: Server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rudes.push(server);
  const { port } = server.address() as { port: number };
  return {
    host: '127.0.0.1',
    port,
    secure: false,
    requireTls: false,
    auth: undefined,
    ca: undefined,
    from: 'b@s.example',
  };
}
const rudes: Server[] = [];
afterEach(() => {
  for (const server of rudes.splice(0)) server.close();
});

describe('once', () => {
  test('several senders at the same time never take the same e-mail', async () => {
    const smtp = await mailServer();
    const app = await mailingApp(smtp);
    const invoice = await quietInvoice(app);
    for (let i = 0; i < 20; i++) await send(app, invoice.id, { to: `n${i}@acme.example` });
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => sendEmails(app.runtime)));
    expect(outcomes.reduce((sum, { sent }) => sum + sent, 0)).toBe(20);
    const ids = smtp.received.map((message) => headersOf(message).get('message-id'));
    expect(new Set(ids).size).toBe(20);
    expect(ids).toHaveLength(20);
  });

  test('a claim keeps others away until it is over', async () => {
    const app = await mailingApp(await mailServer());
    await queued(app);
    expect(await claim(app)).toMatchObject({ claimed: [{ attempts: 1 }], givenUp: [] });
    app.clock.advance({ ms: LEASE_MS - 1 });
    expect(await claim(app)).toEqual({ claimed: [], givenUp: [] });
    app.clock.advance({ ms: 1 });
    expect(await claim(app)).toMatchObject({ claimed: [{ attempts: 2 }], givenUp: [] });
  });

  test('a process that dies at every try has had five, and no sixth (E11)', async () => {
    const smtp = await mailServer();
    const app = await mailingApp(smtp);
    await queued(app);
    for (const attempts of [1, 2, 3, 4, 5]) {
      expect(await claim(app)).toMatchObject({ claimed: [{ attempts }] });
      app.clock.advance({ ms: LEASE_MS });
    }
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 1 });
    expect(smtp.received).toEqual([]);
    expect(await row(app)).toMatchObject({
      state: 'failed',
      attempts: 5,
      next_attempt_at: null,
      last_error: 'The last try did not come to an end.',
    });
  });

  test('who dies between sending and noting sends it once more, with the same Message-ID', async () => {
    const smtp = await mailServer();
    const app = await mailingApp(smtp);
    await queued(app);
    const [claimed] = (await claim(app)).claimed;
    const real = smtpTransport(smtp.config());
    const { compose } = await import('../../src/mail/compose.ts');
    const { loadBillingSettings } = await import('../../src/settings/store.ts');
    const seller = await loadBillingSettings(app.database.read, app.runtime.config);
    const message = await compose(app.runtime, toEmail(claimed!), seller, smtp.config());
    await real(message, AbortSignal.timeout(5000)); // and here it dies
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 0 });
    app.clock.advance({ ms: LEASE_MS });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 1, failed: 0 });
    app.clock.advance({ days: 1 });
    expect(await sendEmails(app.runtime)).toEqual({ sent: 0, failed: 0 });
    const ids = smtp.received.map((message) => headersOf(message).get('message-id'));
    expect(ids).toEqual([ids[0], ids[0]]);
    const dates = smtp.received.map((message) => headersOf(message).get('date'));
    expect(dates).toEqual([dates[0], dates[0]]);
    expect(dates[0]).toMatch(/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/); // RFC 5322
  });

  test('a try that failed late does not undo what a later one did', async () => {
    const smtp = await mailServer();
    const app = await mailingApp(smtp);
    await queued(app);
    const slow = async () => {
      app.clock.advance({ ms: LEASE_MS });
      expect(await sendEmails(app.runtime)).toEqual({ sent: 1, failed: 0 });
      throw new Error('the first one gave up');
    };
    expect(await sendEmails(app.runtime, () => false, slow)).toEqual({ sent: 0, failed: 1 });
    expect(await row(app)).toMatchObject({ state: 'sent', attempts: 2, last_error: null });
    expect(smtp.received).toHaveLength(1);
  });
});
