import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { MailConfig } from '../../src/platform/mail-config.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from './certificate.ts';

export interface Received {
  from: string;
  to: string[];
  raw: string;
  secure: boolean;
  user: string | undefined;
}

export interface Smtp {
  received: Received[];
  /** Connections so far. */
  connections: () => number;
  /** The configuration of a server that sends through it. */
  config: (over?: Partial<MailConfig>) => MailConfig;
  close(): Promise<void>;
}

export interface SmtpOptions {
  /** TLS from the first byte, STARTTLS offered, or neither. */
  tls?: 'implicit' | 'starttls' | 'none';
  /** Who may hand in; without it no login is offered. */
  login?: { user: string; pass: string };
  /** Called before a message is taken: throw to refuse it. */
  onMessage?: (message: Received) => Promise<void> | void;
  onRecipient?: (address: string) => void;
  server?: SMTPServerOptions;
}

/** A mail server of the test on this machine; it takes what it is given and remembers it. */
export async function startSmtp(options: SmtpOptions = {}): Promise<Smtp> {
  const { tls = 'none', login, onMessage, onRecipient } = options;
  const received: Received[] = [];
  let connections = 0;
  const server = new SMTPServer({
    secure: tls === 'implicit',
    key: CERTIFICATE_KEY,
    cert: CERTIFICATE,
    hideSTARTTLS: tls !== 'starttls',
    authOptional: login === undefined,
    disabledCommands: login === undefined ? ['AUTH'] : [],
    allowInsecureAuth: true,
    onConnect: (_, done) => {
      connections += 1;
      done();
    },
    onAuth: ({ username, password }, _, done) => {
      if (username === login?.user && password === login?.pass) done(null, { user: username });
      else done(Object.assign(new Error('No such login'), { responseCode: 535 }));
    },
    onRcptTo: ({ address }, _, done) => {
      try {
        onRecipient?.(address);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const message: Received = {
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: session.user as string | undefined,
        };
        Promise.resolve(message)
          .then(onMessage)
          .then(
            () => {
              received.push(message);
              done();
            },
            (error: Error) => done(error),
          );
      });
    },
    ...options.server,
  });
  server.on('error', () => {}); // connections that the tests drop
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    received,
    connections: () => connections,
    config: (over = {}) => ({
      host: '127.0.0.1',
      port,
      secure: tls === 'implicit',
      requireTls: tls === 'starttls',
      auth: login,
      ca: tls === 'none' ? undefined : CERTIFICATE,
      from: 'billing@seller.example',
      ...over,
    }),
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

export const smtpError = (responseCode: number, message = 'No'): Error =>
  Object.assign(new Error(message), { responseCode });

/** The headers of a message, unfolded, by lower-case name; a header that stands twice fails the test. */
export function headersOf({ raw }: Received): Map<string, string> {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n')) {
    const [, name, value] = /^([\w-]+): ?(.*)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a header: ${line}`);
    if (headers.has(name.toLowerCase())) throw new Error(`twice: ${line}`);
    headers.set(name.toLowerCase(), value!);
  }
  return headers;
}

/** The decoded parts of a message by content type, nested ones included. */
export function partsOf(raw: string): Map<string, Buffer> {
  const parts = new Map<string, Buffer>();
  const boundaries = [...raw.matchAll(/boundary="([^"]+)"/g)].map(([, boundary]) => boundary!);
  const pieces = boundaries.reduce(
    (all, boundary) => all.flatMap((piece) => piece.split(`--${boundary}`)),
    [raw.slice(raw.indexOf('\r\n\r\n'))],
  );
  for (const piece of pieces) {
    const [, head, body] = /^\r\n([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(piece) ?? [];
    const type = /content-type: ([\w/-]+)/i.exec(head ?? '')?.[1];
    if (!type || type.startsWith('multipart/') || body === undefined) continue;
    const encoding = /content-transfer-encoding: ([\w-]+)/i.exec(head!)?.[1]?.toLowerCase();
    parts.set(type, decoded(body, encoding));
  }
  return parts;
}

function decoded(body: string, encoding: string | undefined): Buffer {
  if (encoding === 'base64') return Buffer.from(body, 'base64');
  if (encoding !== 'quoted-printable') return Buffer.from(body, 'utf8');
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}
