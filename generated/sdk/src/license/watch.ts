/** Milliseconds: what the clock shows, the latest time that it can be by then, and what has gone by in this process. */
export interface Moment {
  clock: number;
  latest: number;
  elapsed: number;
}

/** Reads the clock. One that stands still or is set back while the product runs gains it no time. */
export function createWatch({ now, elapsed }: { now: () => Date; elapsed: () => number }) {
  let last: Moment | undefined;
  return {
    read(): Moment {
      const date = now();
      if (!(date instanceof Date) || Number.isNaN(date.getTime())) throw new TypeError('now gives a Date.');
      const [clock, gone] = [date.getTime(), elapsed()];
      const latest = last ? Math.max(clock, Math.floor(last.latest + Math.max(0, gone - last.elapsed))) : clock;
      last = { clock, latest, elapsed: gone };
      return last;
    },
    /** The server has said yes: a clock that was ahead before has been set since. */
    trust({ clock, elapsed: gone }: Moment): void {
      last = { clock, latest: clock, elapsed: gone };
    },
  };
}

/** By both clocks: neither one that stands still nor one that is set makes an answer last. */
export const isWithin = (milliseconds: number, from: Moment, now: Moment): boolean => {
  const [age, gone] = [now.clock - from.clock, now.elapsed - from.elapsed];
  return age >= 0 && age < milliseconds && gone < milliseconds;
};
