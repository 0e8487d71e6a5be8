import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ErrorBody } from './error-body.ts';

const REQUEST_TIMEOUT_MS = 60_000;

/**
 * The HTTP server in front of the application. What Node refuses by itself, because it cannot be read as a request,
 * is answered with the error body of the contract too (1.8.1).
 */
export function createHttpServer(app: RequestListener, newRequestId: () => string): Server {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, app);
  server.on('checkExpectation', app);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket as Socket, newRequestId()));
  return server;
}

function refuse(error: NodeJS.ErrnoException, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const message = tooLarge ? 'The URL or the headers are too long.' : 'The request could not be read.';
  const text = JSON.stringify({ error: 'invalid_request', message, requestId } satisfies ErrorBody);
  socket.end(
    [
      'HTTP/1.1 400 Bad Request',
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      `X-Request-Id: ${requestId}`,
      'Cache-Control: no-store',
      '',
      text,
    ].join('\r\n'),
  );
}
