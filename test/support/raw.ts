import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Answer, TestApp } from './app.ts';

export interface RawRequest {
  method?: string;
  headers?: Record<string, string | string[]>;
  /** Sent in chunks of unknown total length when it is an array. */
  body?: string | Buffer | (string | Buffer)[];
  /** The end of the body never comes. */
  hold?: boolean;
}

const portOf = (app: TestApp): number => (app.server.address() as AddressInfo).port;

/** A request whose path, headers and bytes are sent exactly as given. */
export function raw(
  app: TestApp,
  path: string,
  { method = 'GET', headers = {}, body, hold = false }: RawRequest = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ port: portOf(app), host: '127.0.0.1', agent: false, method, path, headers }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        if (hold) sent.destroy();
        resolve(answerOf(res.statusCode!, res.headers, Buffer.concat(chunks).toString()));
      });
    });
    sent.on('error', reject);
    if (Array.isArray(body)) for (const chunk of body) sent.write(chunk);
    else if (body !== undefined) {
      sent.setHeader('Content-Length', Buffer.byteLength(body));
      sent.write(body);
    }
    if (hold) sent.flushHeaders();
    else sent.end();
  });
}

function answerOf(status: number, headers: NodeJS.Dict<string | string[]>, text: string): Answer {
  const json = String(headers['content-type']).startsWith('application/json') && text !== '';
  return { status, headers: headers as Record<string, string>, text, body: json ? JSON.parse(text) : {} };
}

/** What the server answers to these bytes before it closes the connection. */
export function bytes(app: TestApp, text: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(portOf(app), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const [line = '', ...lines] = head.split('\r\n');
      const pairs = lines.map((one) => one.split(/: /, 2) as [string, string]);
      const headers = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
      resolve(answerOf(Number(line.split(' ')[1]), headers, body));
    });
  });
}
