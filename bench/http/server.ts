import { createServer } from 'node:http';
import { handlers } from '../../src/app.ts';
import { bareApp } from './bare.ts';
import { benchRuntime, createApp, paddedSpec } from './setup.ts';

/** node bench/http/server.ts <rustbill|bare> <database url>: prints the port it listens on. */
const [variant, url] = process.argv.slice(2) as ['rustbill' | 'bare', string];

async function rustbill() {
  const runtime = await benchRuntime(url);
  const { spec, extra } = paddedSpec(200);
  const table = structuredCloneHandlers();
  for (const id of extra) table.products![id] = table.products!.getProduct!;
  return createApp({ ...runtime, config: { ...runtime.config, rateLimits: false } }, { spec, handlers: table });
}

function structuredCloneHandlers() {
  const all = handlers as unknown as Record<string, Record<string, never>>;
  return Object.fromEntries(Object.entries(all).map(([tag, table]) => [tag, { ...table }]));
}

const app = variant === 'rustbill' ? await rustbill() : await bareApp(url);
const server = createServer(app).listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
process.on('SIGTERM', () => process.exit(0));
