import type { Instant } from '../../platform/calendar.ts';
import { invalid } from '../../platform/errors.ts';

export type UserRole = 'admin' | 'customer';

/** Somebody who may log in. Without `passwordHash` only by single sign-on. */
export interface User {
  id: string;
  email: string;
  name: string;
  role: UserRole;
  customerId: string | null;
  authProvider: 'local' | 'sso';
  passwordHash: string | null;
  lastLoginAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
}

/** E-mails are kept, compared and unique in lower case. */
export const normalizeEmail = (email: string): string => email.trim().toLowerCase();

/** A customer user belongs to a customer, an admin to none. Throws AppError `validation_error` on `customerId`. */
export function checkRole(user: Pick<User, 'role' | 'customerId'>): void {
  if (user.role === 'customer' && user.customerId === null)
    throw invalid({ customerId: 'is required for the role customer' });
  if (user.role === 'admin' && user.customerId !== null)
    throw invalid({ customerId: 'must be null for the role admin' });
}

/** Whether a change of the user ends the sessions (rules H2): they were opened with other rights. */
export const endsSessions = (before: User, after: User): boolean =>
  before.passwordHash !== after.passwordHash || before.role !== after.role || before.customerId !== after.customerId;
