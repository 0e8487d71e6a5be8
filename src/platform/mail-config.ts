import { readFileSync } from 'node:fs';
import { isLoopback } from './origin.ts';

/** Where e-mails are handed in, and whom they come from. */
export interface MailConfig {
  host: string;
  port: number;
  /** TLS from the first byte; otherwise STARTTLS where the server offers it. */
  secure: boolean;
  /** Credentials never leave without TLS, but to this machine. */
  requireTls: boolean;
  auth: { user: string; pass: string } | undefined;
  /** PEM of an authority to trust besides the usual ones. */
  ca: string | undefined;
  /** The sender's address, without a name. */
  from: string;
}

type Server = Pick<MailConfig, 'host' | 'port' | 'secure' | 'requireTls' | 'auth'>;

/** `smtp://user:password@host:587`, `smtps://…`; undefined when the text is neither or says more than that. */
export function readSmtpUrl(text: string): Server | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  const more = url.search !== '' || url.hash !== '' || !['', '/'].includes(url.pathname);
  if ((!secure && url.protocol !== 'smtp:') || url.hostname === '' || more) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port);
  if (url.username === '' && url.password !== '') return undefined;
  const auth = url.username === '' ? undefined : credentialsOf(url);
  if (url.username !== '' && auth === undefined) return undefined;
  return { host, port, secure, auth, requireTls: !secure && auth !== undefined && !isLoopback(host) };
}

function credentialsOf({ username, password }: URL): MailConfig['auth'] {
  try {
    return { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

export function readMail(
  url: string | undefined,
  from: string | undefined,
  ca: string | undefined,
): MailConfig | undefined {
  const server = url === undefined ? undefined : readSmtpUrl(url);
  if (!server || from === undefined) return undefined;
  return { ...server, from, ca: ca === undefined ? undefined : readFileSync(ca, 'utf8') };
}
