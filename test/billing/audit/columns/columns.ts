import { catalogue } from './catalogue.ts';
import { documents } from './documents.ts';
import type { Columns } from './held.ts';
import { money } from './money.ts';
import { events, licences, plumbing } from './others.ts';
import { periods, subscriptions } from './subscriptions.ts';

/** Every column of every table. */
export const COLUMNS: Record<string, Columns> = {
  ...catalogue,
  ...subscriptions,
  ...periods,
  ...documents,
  ...money,
  ...licences,
  ...events,
  ...plumbing,
};
