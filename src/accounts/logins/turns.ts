import { AppError } from '../../platform/errors.ts';

/** So many at once, so many waiting in all, and of one place (an address). */
export interface TurnLimits {
  atOnce: number;
  waiting: number;
  waitingOfOne: number;
}

interface Waiter {
  start(): void;
  refuse(error: AppError): void;
}

/**
 * Runs expensive work a few at a time; places take turns, so that one that sends much waits for itself alone. Who finds
 * no room is refused at once with AppError `rate_limited`, and so is the last one of the longest queue when another
 * place comes to a full house: no place can keep the others out.
 */
export function createTurns({ atOnce, waiting, waitingOfOne }: TurnLimits) {
  const queues = new Map<string, Waiter[]>();
  let running = 0;
  let inAll = 0;

  /** The next of the place whose turn it is; the place goes to the end. */
  const next = (): void => {
    for (const [place, queue] of queues) {
      queues.delete(place);
      const waiter = queue.shift()!;
      if (queue.length > 0) queues.set(place, queue);
      inAll--;
      waiter.start();
      return;
    }
    running--;
  };

  const makeRoom = (queue: Waiter[]): void => {
    const longest = [...queues.values()].reduce((a, b) => (b.length > a.length ? b : a));
    if (longest.length <= queue.length + 1) throw tooMany();
    longest.pop()!.refuse(tooMany());
    inAll--;
  };

  const turn = (place: string): Promise<void> => {
    if (running < atOnce) {
      running++;
      return Promise.resolve();
    }
    const queue = queues.get(place) ?? [];
    if (queue.length >= waitingOfOne) throw tooMany();
    if (inAll >= waiting) makeRoom(queue);
    inAll++;
    queues.set(place, queue);
    return new Promise((start, refuse) => void queue.push({ start, refuse }));
  };

  return async <T>(place: string, work: () => Promise<T>): Promise<T> => {
    await turn(place);
    try {
      return await work();
    } finally {
      next();
    }
  };
}

const tooMany = () =>
  new AppError('rate_limited', 'Too many passwords are being checked. Try again.', { headers: { 'Retry-After': '1' } });
