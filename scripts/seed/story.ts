import type { InvoiceCreate, SubscriptionCreate, SubscriptionUpdate } from '../../generated/types.gen.ts';
import type { customers, plans } from './company.ts';

// What happens in the demo year, besides renewals and payments: day 0 is a year ago, day 365 is today.

type CustomerName = keyof typeof customers;

export type Step = { day: number } & (
  | { sell: SubscriptionName; to: CustomerName; plan: keyof typeof plans; how: Omit<SubscriptionCreate, IdMember> }
  | { change: SubscriptionName; update: SubscriptionUpdate }
  | { cancel: SubscriptionName }
  | { bill: InvoiceName; to: CustomerName; invoice: Omit<InvoiceCreate, 'customerId'> }
  | { void: InvoiceName }
);
type IdMember = 'customerId' | 'planId';
type SubscriptionName = string;
type InvoiceName = string;

const monthly = { billingCycle: 'monthly' } as const;
const sale = (
  day: number,
  sell: string,
  to: CustomerName,
  plan: keyof typeof plans,
  how: Omit<SubscriptionCreate, IdMember> = monthly,
): Step => ({ day, sell, to, plan, how });

const line = (description: string, quantity: number, unitPrice: string) => ({ description, quantity, unitPrice });

export const story: Step[] = [
  sale(0, 'nusantara', 'nusantara', 'inbox'),
  sale(2, 'bikes', 'bikes', 'inbox', { billingCycle: 'yearly' }),
  sale(5, 'merlion', 'merlion', 'formsTeam', { ...monthly, quantity: 60 }),
  sale(8, 'kranich', 'kranich', 'inboxSeats', { billingCycle: 'quarterly', quantity: 40 }),
  sale(12, 'dental', 'dental', 'geocode'),
  sale(20, 'roofing', 'roofing', 'inbox'),
  sale(33, 'hafenbuch', 'hafenbuch', 'inboxSeats', { ...monthly, quantity: 6 }),
  sale(45, 'sakura', 'sakura', 'formsJapan', { ...monthly, quantity: 21 }),
  sale(60, 'thornbury', 'thornbury', 'inboxSeats', { ...monthly, quantity: 12 }),
  sale(90, 'minato', 'minato', 'formsJapan', { ...monthly, quantity: 120 }),
  sale(100, 'maple forms', 'maple', 'formsTeam', { ...monthly, quantity: 14 }),
  {
    day: 120,
    bill: 'workshop',
    to: 'kranich',
    invoice: { status: 'issued', currency: 'EUR', lineItems: [line('Onboarding workshop, two days', 2, '890.00')] },
  },
  sale(150, 'dental inbox', 'dental', 'inbox', { ...monthly, trialDays: 14 }),
  { day: 200, change: 'maple forms', update: { cancelAtPeriodEnd: true } },
  { day: 240, cancel: 'minato' },
  sale(272, 'maple geocode', 'maple', 'geocode', { billingCycle: 'quarterly' }),
  {
    day: 280,
    bill: 'wrong address',
    to: 'thornbury',
    invoice: { status: 'issued', currency: 'EUR', lineItems: [line('Import of old mailboxes', 6.5, '80.00')] },
  },
  { day: 282, void: 'wrong address' },
  { day: 330, change: 'thornbury', update: { status: 'paused' } },
  sale(350, 'riviere', 'riviere', 'inboxSeats', { ...monthly, quantity: 4, trialDays: 30 }),
  { day: 355, change: 'hafenbuch', update: { cancelAtPeriodEnd: true } },
  {
    day: 363,
    bill: 'training',
    to: 'merlion',
    invoice: { status: 'issued', lineItems: [line('Training for administrators', 1, '450.00')] },
  },
  {
    day: 364,
    bill: 'estimate',
    to: 'bikes',
    invoice: { status: 'draft', lineItems: [line('Migration of the old shop', 12, '95.00')], notes: 'To be agreed' },
  },
];
