import { type Check, sqlCheck } from './check.ts';

/** What each document (id, amount) did to the balance against its credit entries, which name it in `column`. */
const movedCheck = (what: string, documents: string, column: string, entries = 'true'): Check =>
  sqlCheck(
    'INV9',
    `the credit entries of ${what} are not what it says`,
    `select id from (
       select id, amount from (${documents}) d
       union all select ${column}, -amount from credit_entries where ${column} is not null and ${entries}
     ) both_sides group by id having sum(amount) <> 0`,
  );

/** INV9: each balance is the sum of its entries, which count 1..n and carry the running sum. */
export const creditChecks: Check[] = [
  sqlCheck(
    'INV9',
    'a balance is below 0 or is not the sum of its entries',
    `select b.customer_id || ' ' || b.currency as id from credit_balances b left join (
       select customer_id, currency, sum(amount) as total from credit_entries group by customer_id, currency
     ) e on e.customer_id = b.customer_id and e.currency = b.currency
     where b.balance < 0 or b.balance <> coalesce(e.total, 0)`,
  ),
  sqlCheck(
    'INV9',
    'the entries of a balance are not numbered 1 to n',
    `select b.customer_id || ' ' || b.currency as id from credit_balances b left join (
       select customer_id, currency, count(*) as n, min(seq) as low, max(seq) as top
       from credit_entries group by customer_id, currency
     ) e on e.customer_id = b.customer_id and e.currency = b.currency
     where b.last_seq <> coalesce(e.n, 0) or b.last_seq <> coalesce(e.top, 0) or coalesce(e.low, 1) <> 1`,
  ),
  sqlCheck(
    'INV9',
    'the balance after an entry is not the running sum',
    `select id from (
       select id, balance_after, sum(amount) over (partition by customer_id, currency order by seq) as running
       from credit_entries
     ) e where balance_after <> running or balance_after < 0`,
  ),
  sqlCheck(
    'INV9',
    'an entry has no balance',
    `select e.id from credit_entries e
     left join credit_balances b on b.customer_id = e.customer_id and b.currency = e.currency
     where b.customer_id is null`,
  ),
  movedCheck('a payment', 'select id, credited_amount as amount from payments', 'payment_id', `reason = 'overpayment'`),
  movedCheck(
    'a credit note',
    `select id, case status when 'issued' then credited_to_balance else 0 end as amount from credit_notes`,
    'credit_note_id',
  ),
  movedCheck(
    'a refund',
    `select id, case when destination = 'credit' then amount when status = 'failed' then 0 else -excess_part end as amount
     from refunds`,
    'refund_id',
  ),
];
