import type { Instant } from '../../platform/calendar.ts';
import type { NewEvent } from '../../platform/work.ts';

/** The event types of contract 4.1.3, each with its place inside one commit. */
const RANKS = {
  'subscription.created': 0,
  'invoice.created': 1,
  'license.created': 1,
  'invoice.issued': 2,
  'credit_note.issued': 2,
  'credit.applied': 3,
  'payment.succeeded': 4,
  'payment.failed': 4,
  'payment.refunded': 4,
  'payment_method.added': 4,
  'payment_method.removed': 4,
  'payment_method.failed': 4,
  'invoice.paid': 5,
  'invoice.voided': 5,
  'invoice.overdue': 5,
  'credit.deposited': 6,
  'subscription.renewed': 7,
  'subscription.canceled': 7,
  'subscription.paused': 7,
  'subscription.resumed': 7,
  'subscription.trial_ending': 7,
  'subscription.plan_changed': 7,
  'license.activated': 7,
  'license.suspended': 7,
  'license.revoked': 7,
  'license.expired': 7,
  'subscription.updated': 8,
  'dunning.started': 9,
  'dunning.reminder': 9,
  'dunning.warning': 9,
  'dunning.final_notice': 9,
  'dunning.suspension': 9,
  'dunning.resolved': 9,
  'dunning.failed': 9,
} as const;

export type EventType = keyof typeof RANKS;
export const EVENT_TYPES = Object.keys(RANKS) as EventType[];

/** The types an `invoice.*` or exact filter means; undefined when it names none. */
export function typesOf(filter: string): EventType[] | undefined {
  const types = filter.endsWith('.*')
    ? EVENT_TYPES.filter((type) => type.startsWith(filter.slice(0, -1)))
    : EVENT_TYPES.filter((type) => type === filter);
  return types.length > 0 ? types : undefined;
}

/**
 * Order of the events of one commit: created, issued, credit used, payment, paid, the specific event, updated, dunning.
 * Events of different customers keep the order in which they were emitted.
 */
export function orderEvents(events: NewEvent[]): NewEvent[] {
  const groups = new Map<string, NewEvent[]>();
  for (const event of events) {
    const key = event.customerId ?? '';
    const group = groups.get(key);
    if (group) group.push(event);
    else groups.set(key, [event]);
  }
  return [...groups.values()].flatMap((group) =>
    group.toSorted((a, b) => (RANKS[a.type as EventType] ?? 7) - (RANKS[b.type as EventType] ?? 7)),
  );
}

/** The stored text: webhooks, replay and the event feed all send these bytes (rules E1). */
export const eventBody = (id: string, event: NewEvent, createdAt: Instant, sequence: number | null): string =>
  JSON.stringify({ id, type: event.type, createdAt, sequence, data: event.data });
