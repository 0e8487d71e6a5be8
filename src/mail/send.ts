import { type Channel, drain, Refused, type Tally } from '../outbox/drain.ts';
import type { Schedule } from '../outbox/schedule.ts';
import { boundedBy } from '../platform/bounds.ts';
import type { MailConfig } from '../platform/mail-config.ts';
import type { Runtime } from '../platform/work.ts';
import { loadBillingSettings } from '../settings/store.ts';
import { compose } from './compose.ts';
import { EMAILS, toEmail } from './store.ts';
import { type Deliver, smtpTransport } from './transport.ts';

/** Tries after 0, 1 min, 10 min, 1 h and 6 h (rules E10). */
export const SCHEDULE: Schedule = {
  pausesMs: [60_000, 600_000, 3_600_000, 6 * 3_600_000],
  jitter: 0,
  longestWaitMs: 0,
};
export const LONGEST_MS = 60_000;
export const LEASE_MS = 5 * LONGEST_MS;
const AT_ONCE = 4;

/** Sends the e-mails that are due (rules E10); none without a mail server. */
export async function sendEmails(
  runtime: Runtime,
  stopping = () => false,
  deliver: Deliver | undefined = undefined,
): Promise<Tally> {
  const { mail } = runtime.config;
  if (!mail) return { sent: 0, failed: 0 };
  return drain(runtime, emailChannel(runtime, mail, deliver ?? smtpTransport(mail)), stopping);
}

/** E-mail as a channel of the outbox. */
export const emailChannel = (runtime: Runtime, mail: MailConfig, deliver: Deliver): Channel => ({
  name: 'e-mail',
  queue: EMAILS,
  schedule: SCHEDULE,
  longestMs: LONGEST_MS,
  leaseMs: LEASE_MS,
  atOnce: AT_ONCE,
  async send(claimed, signal) {
    const { database, config } = runtime;
    const seller = await loadBillingSettings(database.read, config);
    // a PDF that waits for its turn ends with the try
    const message = await boundedBy(signal, () => compose(runtime, toEmail(claimed), seller, mail));
    signal.throwIfAborted(); // somebody else may have it by now
    await deliver(message, signal).catch((error: unknown) => {
      throw isFinal(error) ? Object.assign(new Refused((error as Error).message), codesOf(error)) : error;
    });
  },
  logged: codesOf,
});

/** The server refused this message or its recipient for good (5xx); a refused login or connection may pass. */
function isFinal(error: unknown): boolean {
  const { code, responseCode } = codesOf(error);
  const about = code === 'EENVELOPE' || code === 'EMESSAGE';
  return about && typeof responseCode === 'number' && responseCode >= 500;
}

function codesOf(error: unknown): { code?: unknown; responseCode?: unknown } {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  return { code, responseCode };
}
