import { boundedBy } from '../bounds.ts';
import type { Job } from './scheduler.ts';

const SILENT_MS = 5 * 60_000;

/**
 * A run of which nothing is heard for too long is abandoned: its statement ends with its connection, it reaches no
 * database any more, and the job runs again at its next turn. Heard is every statement that comes back, so that a long
 * run is not a silent one.
 */
export const watched = (job: Job): Job => ({
  ...job,
  async run(stopping) {
    const silentMs = job.silentMs ?? SILENT_MS;
    const ended = new AbortController();
    const abandon = () => ended.abort(new Error(`Abandoned: nothing was heard of it for ${silentMs / 1000} s`));
    let timer = setTimeout(abandon, silentMs);
    let over = false;
    const alive = () => {
      if (!over) timer = timer.refresh();
    };
    try {
      await boundedBy(ended.signal, () => job.run(stopping), { alive });
    } finally {
      over = true;
      clearTimeout(timer);
    }
  },
});
