import type { AddressInfo } from 'node:net';
import { createHttpServer } from '../../src/platform/http/server.ts';
import { benchRuntime, createApp } from '../http/setup.ts';

/** node bench/limits/server.ts <database url>, with a channel: measures itself between `start` and `stop`. */
const runtime = await benchRuntime(process.argv[2]!);
const rateLimits = process.env.RATE_LIMITS !== 'off';
const app = createApp({ ...runtime, config: { ...runtime.config, rateLimits } });
const server = createHttpServer(app, () => runtime.newIdAt(runtime.clock.now()));
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }));

const spent = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1000;
};
let running = false;
let longest = 0;

/** CPU time instead of time, so that other work of the machine does not count; turn by turn of the event loop. */
function turn(since: NodeJS.CpuUsage): void {
  longest = Math.max(longest, spent(since));
  if (running) setImmediate(turn, process.threadCpuUsage());
}

process.on('message', (word) => {
  running = word === 'start';
  if (running) {
    longest = 0;
    setImmediate(turn, process.threadCpuUsage());
    process.send!({});
  } else setImmediate(() => process.send!({ turnMs: longest }));
});
process.on('disconnect', () => process.exit(0));
