import { PAYMENT_PROVIDERS, type PaymentProvider } from './list.ts';

/** Ways to pay past every provider: a person says that the money is there. */
export const MANUAL_METHODS = ['manual', 'bank_transfer', 'check'] as const;
export type ManualMethod = (typeof MANUAL_METHODS)[number];
export type PaymentMethodCode = ManualMethod | PaymentProvider;

export const isManual = (method: PaymentMethodCode): method is ManualMethod =>
  (MANUAL_METHODS as readonly string[]).includes(method);

/** References of these methods name one transaction outside: each is booked once (rules A8). */
export const isProvider = (method: PaymentMethodCode): method is PaymentProvider =>
  (PAYMENT_PROVIDERS as readonly string[]).includes(method);
