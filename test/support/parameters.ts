const setting = (name: string) => (process.env[name] ? Number(process.env[name]) : undefined);

/** Set by `npm run campaign:histories`; otherwise a small fixed set of histories runs. */
export const campaign = process.env.RUNS !== undefined;

/**
 * Parameters of fast-check and the longest history; RUNS, STEPS, SEED and SEED_PATH of the environment go first.
 * A failure of the fixed set is not made smaller: a campaign with its RUNS, STEPS and SEED does that, which takes minutes.
 */
export function historyParameters(runs: number, steps: number) {
  const path = process.env.SEED_PATH;
  const seed = setting('SEED') ?? 20260131;
  return {
    steps: setting('STEPS') ?? steps,
    parameters: { numRuns: setting('RUNS') ?? runs, seed, endOnFailure: !campaign, ...(path ? { path } : {}) },
  };
}

/** A history may take as long as it takes; a campaign takes hours. */
export const LONG_MS = 24 * 3_600_000;
