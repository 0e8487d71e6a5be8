import { addMilliseconds } from '../platform/calendar.ts';
import type { MailConfig } from '../platform/mail-config.ts';
import type { Runtime } from '../platform/work.ts';
import type { BillingSettings } from '../settings/billing-settings.ts';
import { loadBillingSettings } from '../settings/store.ts';
import { compose, Unsendable } from './compose.ts';
import { type ClaimedEmail, claimEmails, markFailed, markSent } from './store.ts';
import { type Deliver, LONGEST_MS, smtpTransport } from './transport.ts';

/** Pauses after the first tries; the last failure is final (rules E10). Milliseconds. */
const PAUSES = [60_000, 600_000, 3_600_000, 6 * 3_600_000];
const AT_ONCE = 4;
/** How long a claim keeps others away: longer than any try takes. */
export const LEASE_MS = 5 * LONGEST_MS;

export interface EmailCounters {
  sent: number;
  /** Tries that failed, to be repeated or not. */
  failed: number;
}

/**
 * Sends what is due, a few at a time, outside any transaction (rules X2): claim, send, note. Several processes share the
 * work. Who dies between sending and noting sends it once more when the claim is over, with the same Message-ID.
 */
export async function sendEmails(
  runtime: Runtime,
  stopping = () => false,
  deliver: Deliver | undefined = undefined,
): Promise<EmailCounters> {
  const counters: EmailCounters = { sent: 0, failed: 0 };
  const { mail } = runtime.config;
  if (!mail) return counters;
  const send = deliver ?? smtpTransport(mail);
  const { database, clock, config } = runtime;
  while (!stopping()) {
    const claimed = await claimEmails(database.write, clock.now(), LEASE_MS, AT_ONCE);
    if (claimed.length === 0) break;
    const seller = await loadBillingSettings(database.read, config);
    const outcomes = await Promise.all(claimed.map((email) => sendOne(runtime, mail, seller, email, send)));
    for (const ok of outcomes) counters[ok ? 'sent' : 'failed'] += 1;
  }
  return counters;
}

async function sendOne(
  runtime: Runtime,
  mail: MailConfig,
  seller: BillingSettings,
  email: ClaimedEmail,
  send: Deliver,
): Promise<boolean> {
  const { database, clock, log } = runtime;
  try {
    await send(await compose(database.snapshot, email, seller, mail));
  } catch (error) {
    const pause = isFinal(error) ? undefined : PAUSES[email.attempts - 1];
    const nextAt = pause === undefined ? null : addMilliseconds(clock.now(), pause);
    // neither the recipient nor what the server said: both can be personal
    const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
    log.warn({ emailId: email.id, attempts: email.attempts, code, responseCode, nextAt }, 'an e-mail was not sent');
    await markFailed(database.write, email, describe(error), nextAt);
    return false;
  }
  await markSent(database.write, email.id, clock.now());
  return true;
}

/** The server refused this message or its recipient for good (5xx); a refused login or connection may pass. */
function isFinal(error: unknown): boolean {
  if (error instanceof Unsendable) return true;
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const about = code === 'EENVELOPE' || code === 'EMESSAGE';
  return about && typeof responseCode === 'number' && responseCode >= 500;
}

const describe = (error: unknown): string =>
  (error instanceof Error && error.message !== '' ? error.message : 'unknown error').slice(0, 500);
