import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a simulated provider behaves: as it should, or in one of the ways in which services fail. */
export type Mode =
  | 'up'
  | 'down'
  | 'slow'
  | 'error'
  | 'unauthorized'
  | 'refusing'
  | 'malformed'
  | 'truncated'
  | 'huge'
  | 'redirect';

export interface Call {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface Simulator {
  readonly url: string;
  readonly calls: Call[];
  mode: Mode;
  /** Runs while the caller waits for the answer. */
  meanwhile: (call: Call) => Promise<void>;
  close(): Promise<void>;
}

/** A real HTTP server on this machine; `answer` is what the provider says when it is up. */
export async function startSimulator(answer: (call: Call) => { status: number; body: unknown }): Promise<Simulator> {
  const server = createServer(async (req, res) => {
    const call = await readCall(req);
    simulator.calls.push(call);
    await simulator.meanwhile(call);
    respond(simulator.mode, res, answer(call));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const simulator: Simulator = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    mode: 'up',
    meanwhile: async () => {},
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return simulator;
}

async function readCall(req: IncomingMessage): Promise<Call> {
  let body = '';
  for await (const chunk of req) body += chunk;
  return { method: req.method!, path: req.url!, headers: req.headers, body };
}

function respond(mode: Mode, res: ServerResponse, { status, body }: { status: number; body: unknown }): void {
  const json = (code: number, text: string) => res.writeHead(code, { 'Content-Type': 'application/json' }).end(text);
  const good = JSON.stringify(body);
  const modes: Record<Mode, () => unknown> = {
    up: () => json(status, good),
    down: () => res.socket?.destroy(),
    slow: () => res.writeHead(200).write('{'),
    error: () => json(500, '{"error":"internal"}'),
    unauthorized: () => json(401, '{"error":{"message":"Invalid API Key provided: sk_live_0123"}}'),
    refusing: () => json(422, '{"detail":"no such place"}'),
    malformed: () => json(200, '{"ok":true}'),
    truncated: () => json(200, good.slice(0, -3)),
    huge: () => json(200, `${good.slice(0, -1)},"more":"${'x'.repeat(1_000_000)}"}`),
    redirect: () => res.writeHead(302, { Location: '/elsewhere' }).end(),
  };
  modes[mode]();
}
