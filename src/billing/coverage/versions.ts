import type { Db } from '../../platform/db/connect.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { loadPlanVersions, loadVersionsOfPlans } from '../plans/store.ts';
import type { Versions } from './judge.ts';
import type { Subject } from './store.ts';

const key = (planId: string, number: number): string => `${planId} ${number}`;

/** The price versions that histories name; each plan is read once, and again when a newer version is named. */
export class VersionCache implements Versions {
  readonly #db: Db;
  readonly #ids = new Map<string, PlanVersion>();
  readonly #numbers = new Map<string, PlanVersion>();

  constructor(db: Db) {
    this.#db = db;
  }

  byId(id: string): PlanVersion | undefined {
    return this.#ids.get(id);
  }

  byNumber(planId: string, number: number): PlanVersion | undefined {
    return this.#numbers.get(key(planId, number));
  }

  /** Loads what these subjects name and is not known, in at most two statements. */
  async learn(subjects: readonly Subject[]): Promise<void> {
    const ids = new Set(subjects.map(({ planVersionId }) => planVersionId).filter((id) => !this.#ids.has(id)));
    const plans = new Set<string>();
    for (const { data } of subjects.flatMap(({ events }) => events)) {
      const planId = (data.newPlanId ?? data.planId) as string;
      const number = data.planVersion as number | undefined;
      if (number !== undefined && !this.#numbers.has(key(planId, number))) plans.add(planId);
    }
    if (plans.size > 0) for (const version of await loadVersionsOfPlans(this.#db, plans)) this.#keep(version);
    const unknown = [...ids].filter((id) => !this.#ids.has(id));
    if (unknown.length > 0)
      for (const version of (await loadPlanVersions(this.#db, unknown)).values()) this.#keep(version);
  }

  #keep(version: PlanVersion): void {
    this.#ids.set(version.id, version);
    this.#numbers.set(key(version.planId, version.number), version);
  }
}
