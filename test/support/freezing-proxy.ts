import { createServer, connect as dial, type Socket } from 'node:net';

export interface FreezingProxy {
  /** The URL of the same database through the proxy. */
  url: string;
  /** From now on nothing passes; new connections are taken and hear nothing, as of a server that was stopped. */
  freeze(): void;
  /** Freezes at the first bytes towards the server that contain `text`, before they pass. */
  freezeAt(text: string): Promise<void>;
  /** Everything that was held passes, in order, also of callers that have gone meanwhile; or it is lost with its connection. */
  thaw(lost?: 'delivered' | 'lost'): void;
  close(): Promise<void>;
}

interface Pair {
  caller: Socket;
  server: Socket | undefined;
  held: Buffer[];
  gone: boolean;
}

/** A TCP proxy in front of a Postgres, on a Unix socket or not. */
export async function freezingProxy(url: string): Promise<FreezingProxy> {
  const target = new URL(url);
  const folder = target.searchParams.get('host');
  const pairs = new Set<Pair>();
  let frozen = false;
  let trap: { text: string; sprung: () => void } | undefined;

  const open = (pair: Pair): void => {
    const server = folder ? dial(`${folder}/.s.PGSQL.5432`) : dial(Number(target.port || 5432), target.hostname);
    pair.server = server;
    server.on('data', (bytes) => pair.caller.write(bytes));
    server.on('error', () => pair.caller.destroy());
    server.on('close', () => pair.caller.destroy());
    if (frozen) server.pause();
  };
  const pass = (pair: Pair): void => {
    if (!pair.server) open(pair);
    for (const bytes of pair.held.splice(0)) pair.server!.write(bytes);
    pair.server!.resume();
    if (pair.gone) pair.server!.end();
  };
  const proxy = createServer((caller) => {
    const pair: Pair = { caller, server: undefined, held: [], gone: false };
    pairs.add(pair);
    if (!frozen) open(pair);
    caller.on('data', (bytes: Buffer) => {
      if (trap && bytes.includes(trap.text)) {
        freeze();
        trap.sprung();
        trap = undefined;
      }
      pair.held.push(bytes);
      if (!frozen) pass(pair);
    });
    caller.on('error', () => {});
    caller.on('close', () => {
      pair.gone = true;
      if (!frozen) pair.server?.end();
    });
  });
  const freeze = (): void => {
    frozen = true;
    for (const { server } of pairs) server?.pause();
  };
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  target.searchParams.delete('host');
  target.host = `127.0.0.1:${port}`;
  return {
    url: target.href,
    freeze,
    freezeAt: (text) =>
      new Promise((sprung) => {
        trap = { text, sprung };
      }),
    thaw(lost = 'delivered') {
      frozen = false;
      for (const pair of pairs) {
        if (pair.held.length > 0 && lost === 'lost') pair.server?.destroy();
        else if (!pair.gone || pair.server) pass(pair);
      }
    },
    close: async () => {
      for (const { caller, server } of pairs) {
        caller.destroy();
        server?.destroy();
      }
      await new Promise<void>((resolve) => proxy.close(() => resolve()));
    },
  };
}
