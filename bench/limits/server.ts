import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createHttpServer } from '../../src/platform/http/server.ts';
import { benchRuntime, createApp } from '../http/setup.ts';

/** node bench/limits/server.ts <database url>, with a channel: measures itself between `start` and `stop`. */
const runtime = await benchRuntime(process.argv[2]!);
const rateLimits = process.env.RATE_LIMITS !== 'off';
const app = createApp({ ...runtime, config: { ...runtime.config, rateLimits } });
const server = createHttpServer(app, () => runtime.newIdAt(runtime.clock.now()));
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }));

const delay = monitorEventLoopDelay({ resolution: 1 });
let cpu = process.threadCpuUsage();
process.on('message', (word) => {
  if (word === 'start') {
    delay.enable();
    delay.reset();
    cpu = process.threadCpuUsage();
    process.send!({});
  } else if (word === 'stop') {
    const { user, system } = process.threadCpuUsage(cpu);
    delay.disable();
    process.send!({ cpuMs: (user + system) / 1000, delayMs: delay.max / 1e6 });
  }
});
process.on('disconnect', () => process.exit(0));
