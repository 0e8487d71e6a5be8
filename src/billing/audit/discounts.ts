import { type Check, sqlCheck } from './check.ts';

/** INV21, and INV4 where discounts can break it: what was redeemed is what was attached, and never takes off too much. */
export const discountChecks: Check[] = [
  sqlCheck(
    'INV21',
    'a coupon was not redeemed as often as it was attached',
    `select id from (
       select id, times_redeemed as n from coupons
       union all select coupon_id, -1 from subscription_discounts
     ) both_sides group by id having sum(n) <> 0`,
  ),
  sqlCheck(
    'INV21',
    'a coupon was redeemed more often than it may be',
    'select id from coupons where times_redeemed > max_redemptions',
  ),
  sqlCheck(
    'INV21',
    'a discount line names no discount of its subscription',
    `select l.id from invoice_lines l join invoices i on i.id = l.invoice_id
     left join subscription_discounts d on d.id = l.discount_id and d.subscription_id = i.subscription_id
     where (l.kind = 'discount' and d.id is null) or (l.kind <> 'discount' and l.discount_id is not null)`,
  ),
  sqlCheck(
    'INV4',
    'more is taken off than the plan and usage lines come to',
    `select i.id from invoices i where i.discount_amount > (
       select coalesce(sum(l.amount), 0) from invoice_lines l
       where l.invoice_id = i.id and l.kind in ('plan', 'usage'))`,
  ),
];
