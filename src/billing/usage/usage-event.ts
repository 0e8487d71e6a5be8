import { hash } from 'node:crypto';
import type { UsageEventCreate } from '../../../generated/types.gen.ts';
import { type Instant, parseInstant } from '../../platform/calendar.ts';
import { type Decimal, formatDecimal, ONE, parseDecimal } from '../../platform/decimal.ts';
import type { Fields } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';

export type Properties = Record<string, string | number | boolean>;

/** What was used at one moment; never changed, but voided (rules U1). */
export interface UsageEvent {
  id: string;
  subscriptionId: string;
  metric: string;
  value: Decimal;
  timestamp: Instant;
  idempotencyKey: string | null;
  properties: Properties;
  voidedAt: Instant | null;
  createdAt: Instant;
}

/** An event as a caller sent it, read. */
export interface SentEvent {
  subscriptionId: string;
  metric: string;
  value: Decimal;
  timestamp: Instant;
  idempotencyKey: string | null;
  properties: Properties;
  /** Of what was sent: equal for the same event sent twice (rules U2). */
  payloadHash: string;
}

/** Reads a well-formed item. Throws AppError `validation_error`. */
export function readEvent(sent: UsageEventCreate, now: Instant): SentEvent {
  const fields: Fields = {};
  const { subscriptionId, metricName: metric, idempotencyKey = null } = sent;
  const given = sent.timestamp;
  const timestamp = given === undefined ? null : readMember(fields, 'timestamp', () => parseInstant(given));
  refuseFields(fields);
  const value = sent.value === undefined ? ONE : parseDecimal(sent.value);
  const properties = sent.properties ?? {};
  const payloadHash = hashOf(metric, value, timestamp ?? null, properties);
  return { subscriptionId, metric, value, timestamp: timestamp ?? now, idempotencyKey, properties, payloadHash };
}

/** Over the values, not their spelling: `1.0` is `1`, and the order of properties means nothing. */
function hashOf(metric: string, value: Decimal, timestamp: Instant | null, properties: Properties): string {
  const sorted = Object.keys(properties).sort();
  const content = [metric, formatDecimal(value), timestamp, sorted.map((name) => [name, properties[name]])];
  return hash('sha256', JSON.stringify(content), 'base64url');
}

/** Digits after the point that a value may have (rules M4). */
/** What `unique` counts different ones of: the JSON text of the property, so that 1 and "1" differ; null without it. */
export const uniqueValueOf = (properties: Properties, property: string | null): string | null =>
  property !== null && Object.hasOwn(properties, property) ? JSON.stringify(properties[property]) : null;
