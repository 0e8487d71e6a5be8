/** What one run did itself (contract 3.12). */
export interface LifecycleCounters {
  trialNotices: number;
  trialsConverted: number;
  canceled: number;
  planChangesApplied: number;
  invoicesPreGenerated: number;
  renewed: number;
  invoicesGenerated: number;
  chargesAttempted: number;
  chargesSucceeded: number;
  chargesFailed: number;
  chargesUnknown: number;
  reconciled: number;
}

export interface RunError {
  resourceType: string;
  resourceId: string;
  message: string;
}

export const emptyCounters = (): LifecycleCounters => ({
  trialNotices: 0,
  trialsConverted: 0,
  canceled: 0,
  planChangesApplied: 0,
  invoicesPreGenerated: 0,
  renewed: 0,
  invoicesGenerated: 0,
  chargesAttempted: 0,
  chargesSucceeded: 0,
  chargesFailed: 0,
  chargesUnknown: 0,
  reconciled: 0,
});

/** Adds the counters of a committed batch to those of the run. */
export function count(total: LifecycleCounters, batch: LifecycleCounters): void {
  for (const name of Object.keys(batch) as (keyof LifecycleCounters)[]) total[name] += batch[name];
}
