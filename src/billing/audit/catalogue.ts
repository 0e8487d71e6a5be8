import { type Check, sqlCheck } from './check.ts';

/** INV29: what is sold, and how it is taxed, is one thing at a time. */
export const catalogueChecks: Check[] = [
  sqlCheck(
    'INV29',
    'the price versions of a plan are not numbered 1 to n, or the last one is not the present one',
    `select p.id from plans p left join (
       select plan_id, count(*) as n, min(number) as low, max(number) as top from plan_versions group by plan_id
     ) v on v.plan_id = p.id
     where coalesce(v.n, 0) <> p.current_version or v.low <> 1 or v.top <> p.current_version`,
  ),
  sqlCheck(
    'INV29',
    'two tax rules of one place and category are in force on one day',
    `select id from (
       select id, effective_from, lag(id) over of_place as last_id, lag(effective_to) over of_place as last_to
       from tax_rules where effective_to is null or effective_to > effective_from
       window of_place as (partition by country, coalesce(region, ''), coalesce(product_category, '')
         order by effective_from, id)
     ) r where last_id is not null and (last_to is null or last_to > effective_from)`,
  ),
];
