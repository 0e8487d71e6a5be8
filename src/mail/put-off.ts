import { eventsById } from '../billing/events/store.ts';
import { aside, type RedoOutcome, redo } from '../platform/put-off.ts';
import type { Runtime, Work } from '../platform/work.ts';
import { asksForEmail, queueEventEmails, type WrittenEvent } from './queue.ts';

const KIND = 'event_emails';

/** Queues the e-mails that these events ask for, in their commit; when it fails it is put off (rules X8). */
export async function queueEmails(work: Work, events: readonly WrittenEvent[]): Promise<void> {
  if (!work.runtime.config.mail) return;
  const asking = events.filter(asksForEmail);
  if (asking.length === 0) return;
  await aside(
    work,
    () => queueEventEmails(work, asking),
    () => asking.map(({ id }) => ({ kind: KIND, subject: id, data: {} })),
  );
}

/** Queues the e-mails that were put off, from the events as they were written. */
export const queueLateEmails = (runtime: Runtime, stopping?: () => boolean): Promise<RedoOutcome> =>
  redo(
    runtime,
    {
      kind: KIND,
      make: async (work, items) => {
        const ids = items.map(({ subject }) => subject);
        await queueEventEmails(work, await eventsById(work.db, ids));
      },
    },
    stopping,
  );
