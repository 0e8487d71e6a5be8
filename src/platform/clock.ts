import type { Instant } from './calendar.ts';
import { epochMilliseconds, fromEpochMilliseconds } from './calendar.ts';
import type { Db } from './db/connect.ts';

/** The one reader of time. `now` is taken once per request or job step and passed on as a value (rules T1). */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => fromEpochMilliseconds(Date.now()) };

const OFFSET_KEY = 'test_clock.offset_ms';

/**
 * The clock of a TEST_CLOCK=on server (contract 2.29, rules T7): real time plus an offset kept in the database,
 * so that it survives a restart and every replica reads the same.
 */
export class TestClock implements Clock {
  #offset = 0;

  now(): Instant {
    return fromEpochMilliseconds(Date.now() + this.#offset);
  }

  /** Reads the offset another process may have moved. */
  async refresh(db: Db): Promise<void> {
    const [row] = await db('settings').where({ key: OFFSET_KEY });
    this.#offset = Math.max(this.#offset, row ? Number(row.value) : 0);
  }

  /**
   * Stores the offset at which this clock shows `target`; `apply` makes it this process's time after the commit.
   * Of two moves at once the later time stays: the clock never goes back.
   */
  async move(db: Db, target: Instant): Promise<{ apply: () => void }> {
    const offset = epochMilliseconds(target) - Date.now();
    await db.raw(
      `insert into settings (key, value, secret) values (?, ?, ?) on conflict (key) do update set value =
       case when cast(settings.value as bigint) > cast(excluded.value as bigint) then settings.value else excluded.value end`,
      [OFFSET_KEY, String(offset), false],
    );
    const apply = () => {
      this.#offset = Math.max(this.#offset, offset);
    };
    return { apply };
  }
}
