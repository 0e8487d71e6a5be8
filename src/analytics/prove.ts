import { type Reconciliation, reconcileIsolated } from '../billing/audit/isolated.ts';
import type { ReconcileQuery } from '../billing/audit/reconcile.ts';
import { addDays } from '../platform/calendar.ts';
import type { Runtime } from '../platform/work.ts';
import { createMetrics } from '../system/metrics.ts';

/** Reconciles, and shows the number of broken invariants as the metric `invariant_violations` (rules §22). */
export async function prove(runtime: Runtime, asked: ReconcileQuery): Promise<Reconciliation> {
  const found = await reconcileIsolated(runtime, asked);
  createMetrics(runtime).observeViolations(found.violations.length);
  for (const { invariant, detail, ids } of found.violations)
    runtime.log.error({ invariant, detail, ids }, 'an invariant is broken');
  return found;
}

/** The daily proof, which nobody waits for. */
export async function proveInvariants(runtime: Runtime): Promise<void> {
  const now = runtime.clock.now();
  await prove(runtime, { from: addDays(now, -1), to: now, currency: null, now });
}
