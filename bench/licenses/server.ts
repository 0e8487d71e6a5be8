import { createServer } from 'node:http';
import { benchRuntime, createApp } from '../http/setup.ts';
import { bareApp } from './bare.ts';

/** node bench/licenses/server.ts <rustbill|bare> <database url>: prints the port it listens on. */
const [variant, url] = process.argv.slice(2) as ['rustbill' | 'bare', string];

async function rustbill() {
  const runtime = await benchRuntime(url);
  return createApp({ ...runtime, config: { ...runtime.config, rateLimits: false } });
}

const app = variant === 'rustbill' ? await rustbill() : bareApp(url);
const server = createServer(app).listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
process.on('SIGTERM', () => process.exit(0));
