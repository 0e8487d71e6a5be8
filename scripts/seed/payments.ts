import type { Customer, Invoice } from '../../generated/types.gen.ts';
import { addDays, type Instant } from '../../src/platform/calendar.ts';
import { formatMoney, parseMoney } from '../../src/platform/money.ts';
import type { Client } from './client.ts';
import type { Habit } from './company.ts';

/** Pays what the customers pay on this day of the demo year; returns the number of payments. */
export async function payInvoices(
  client: Client,
  habits: Map<Customer['id'], Habit>,
  day: number,
  now: Instant,
): Promise<number> {
  const issued = await client.get<Invoice[]>('/api/billing/invoices?status=issued&limit=100');
  const overdue = await client.get<Invoice[]>('/api/billing/invoices?status=overdue&limit=100');
  let count = 0;
  for (const invoice of [...issued, ...overdue].reverse()) {
    const habit = habits.get(invoice.customerId);
    const amount = habit && day < (habit.untilDay ?? Number.POSITIVE_INFINITY) && amountToday(habit, invoice, now);
    if (!amount) continue;
    await client.post('/api/billing/payments', {
      invoiceId: invoice.id,
      amount: formatMoney(amount, invoice.currency),
      paymentMethod: habit.method,
      ...(habit.method === 'stripe' && { providerReference: `pi_demo_${invoice.invoiceNumber}` }),
    });
    count += 1;
  }
  return count;
}

/** Minor units, or undefined when the customer does not pay this invoice now. */
function amountToday(habit: Habit, invoice: Invoice, now: Instant): bigint | undefined {
  const due = parseMoney(invoice.amountDue, invoice.currency);
  const issuedFor = (days: number): boolean => now >= addDays(invoice.issuedAt!, days);
  switch (habit.pays) {
    case 'soon':
      return issuedFor(3) ? due : undefined;
    case 'late':
      return now >= addDays(invoice.dueDate!, 4) ? due : undefined;
    case 'too much':
      return issuedFor(3) ? roundedUp(due) : undefined;
    case 'in two parts':
      if (issuedFor(12)) return due;
      return issuedFor(5) && parseMoney(invoice.amountPaid, invoice.currency) === 0n ? due / 2n : undefined;
  }
}

const ROUND = 10_000n;
const roundedUp = (amount: bigint): bigint => ((amount + ROUND - 1n) / ROUND) * ROUND;
