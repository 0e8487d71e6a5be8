import { type Instant, parseInstant } from '../platform/calendar.ts';
import { TestClock } from '../platform/clock.ts';
import { conflict, type Fields, notFound } from '../platform/errors.ts';
import { readMember, refuseFields } from '../platform/fields.ts';
import type { Context, Handlers } from '../platform/http/operations.ts';

/** Later the arithmetic of billing would run out of the calendar, and the clock cannot be moved back. */
const LAST: Instant = '9000-01-01T00:00:00.000Z';

export const testing: Handlers<'testing'> = {
  async getTestClock(_, context) {
    testClockOf(context);
    return { now: context.now };
  },

  async setTestClock({ body }, context) {
    const { db, now } = context;
    const clock = testClockOf(context);
    const target = readTarget(body.now);
    if (target < now) throw conflict('The clock only goes forward.', { now: `must not be before ${now}` });
    const { apply } = await clock.move(db, target);
    context.afterCommit(apply);
    context.audit({ entityType: 'test_clock', entityId: 'clock', changes: { now: [now, target] } });
    return { now: target };
  },
};

function testClockOf({ runtime }: Context): TestClock {
  if (!runtime.config.testClock || !(runtime.clock instanceof TestClock)) throw notFound('path');
  return runtime.clock;
}

/** Throws AppError `validation_error` on `now`. */
function readTarget(text: string): Instant {
  const fields: Fields = {};
  const target = readMember(fields, 'now', () => parseInstant(text));
  if (target !== undefined && target > LAST) fields.now = `must not be after ${LAST}`;
  refuseFields(fields);
  return target!;
}
