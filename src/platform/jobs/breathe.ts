import { setImmediate } from 'node:timers/promises';

/**
 * Lets the requests that wait be served before the next batch. On SQLite every statement runs to its end at once, so a
 * job that only awaits statements would never give way.
 */
export const breathe = (): Promise<void> => setImmediate();
