import type { ExplanationStep } from '../../../../generated/types.gen.ts';

/** A step before it has its position. `differs` when something stored is not what was computed. */
export interface Step extends Omit<ExplanationStep, 'position' | 'inputs'> {
  inputs: Record<string, string>;
  differs: boolean;
}

/** A stored value beside the computed one, as text; null when there is none. */
export type Compared = readonly [name: string, computed: string | null, stored: string | null];

/** The step with what differs among its inputs: `stored.amount: 60.00`. */
export function compared(step: Step, prefix: 'stored' | 'trace', values: readonly Compared[]): Step {
  const different = values.filter(([, computed, stored]) => computed !== stored);
  if (different.length === 0) return step;
  const named = different.map(([name, , stored]) => [`${prefix}.${name}`, stored ?? 'none']);
  return { ...step, inputs: { ...step.inputs, ...Object.fromEntries(named) }, differs: true };
}
