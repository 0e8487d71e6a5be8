import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../src/platform/errors.ts';
import { afterPreparing, retryConflicts, Unprepared } from '../../src/platform/retry.ts';

const deadlock = () => Object.assign(new Error('deadlock'), { code: '40P01' });

/** Work that fails in this order, then succeeds. */
function failing(...errors: Error[]) {
  const rest = [...errors];
  const work = {
    runs: 0,
    run: async () => {
      work.runs += 1;
      const error = rest.shift();
      if (error) throw error;
      return 'done';
    },
  };
  return work;
}

describe('work that lacks something from outside', () => {
  test('is prepared and done again', async () => {
    const order: string[] = [];
    const work = failing(new Unprepared(async () => void order.push('prepared')));
    expect(await afterPreparing(work.run)).toBe('done');
    expect([work.runs, order]).toEqual([2, ['prepared']]);
  });

  test('three times at most; what escapes is provider_error 502', async () => {
    let prepared = 0;
    const endless = async () => {
      throw new Unprepared(async () => void prepared++);
    };
    const error = await afterPreparing(endless).catch((one: unknown) => one);
    expect([error instanceof AppError && error.status, prepared]).toEqual([502, 3]);
  });

  test('fails as its preparation fails, and is not done again', async () => {
    const work = failing(
      new Unprepared(async () => {
        throw new AppError('provider_error', 'is down');
      }),
    );
    await expect(afterPreparing(work.run)).rejects.toThrow('is down');
    expect(work.runs).toBe(1);
  });
});

describe('a transaction that another one has undone', () => {
  test('is done again, three times in all, each time it was prepared anew', async () => {
    const work = failing(deadlock(), deadlock(), new Unprepared(async () => {}), deadlock(), deadlock());
    expect(await retryConflicts(work.run)).toBe('done');
    expect(work.runs).toBe(6);
    const lost = failing(deadlock(), deadlock(), deadlock());
    await expect(retryConflicts(lost.run)).rejects.toThrow('deadlock');
  });

  test('another error is not', async () => {
    const work = failing(new Error('a bug'));
    await expect(retryConflicts(work.run)).rejects.toThrow('a bug');
    expect(work.runs).toBe(1);
  });
});
