import { monotonicFactory } from 'ulid';
import type { Instant } from './calendar.ts';
import { epochMilliseconds } from './calendar.ts';

const ulid = monotonicFactory();

/** A ULID of this instant; rising within one process, so that id order is creation order (contract 1.3). */
export const newIdAt = (now: Instant): string => ulid(epochMilliseconds(now));

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
export const isId = (text: string): boolean => ULID.test(text);
