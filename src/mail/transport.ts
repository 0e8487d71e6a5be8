import nodemailer from 'nodemailer';
import type { MailConfig } from '../platform/mail-config.ts';
import type { Message } from './compose.ts';

/** Hands one message in, until the signal; throws what the mail server or the way to it said. */
export type Deliver = (message: Message, signal: AbortSignal) => Promise<void>;

const CONNECT_MS = 10_000;
const IDLE_MS = 20_000;

/** One connection per message, to exactly one recipient; nothing is read from files or fetched. */
export function smtpTransport({ host, port, secure, requireTls, auth, ca }: MailConfig): Deliver {
  const transport = nodemailer.createTransport({
    host,
    port,
    secure,
    requireTLS: requireTls,
    ...(auth ? { auth } : {}),
    ...(ca === undefined ? {} : { tls: { ca } }),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: IDLE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async ({ to, from, replyTo, ...message }, signal) => {
    await transport.sendMail({
      ...message,
      from,
      to: { name: '', address: to },
      ...(replyTo === null ? {} : { replyTo: { name: '', address: replyTo } }),
      envelope: { from: from.address, to: [to] },
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal,
    });
  };
}
