import { type Check, sqlCheck } from './check.ts';
import { DOCUMENT_BALANCES, EXPECTED_ENTRIES, POSTED_ENTRIES } from './facts.ts';

/** INV1-INV3: the ledger balances, equals the documents (G7, G8), and has one entry per money fact (G1, G3). */
export const ledgerChecks: Check[] = [
  sqlCheck(
    'INV1',
    'the lines of a journal entry do not sum to 0',
    'select entry_id as id from journal_lines group by entry_id having sum(amount) <> 0',
  ),
  sqlCheck(
    'INV1',
    'the trial balance of a currency is not 0',
    `select e.currency as id from journal_lines l join journal_entries e on e.id = l.entry_id
     group by e.currency having sum(l.amount) <> 0`,
  ),
  sqlCheck(
    'INV2',
    'an account differs from its documents (ledger minus documents, minor units)',
    `select currency || ' ' || account || ' ' || cast(sum(amount) as text) as id from (
       select e.currency, l.account, l.amount from journal_lines l join journal_entries e on e.id = l.entry_id
       union all ${DOCUMENT_BALANCES}
     ) both_sides group by currency, account having sum(amount) <> 0`,
  ),
  sqlCheck(
    'INV2',
    'the credit balances differ from the credit entries (minor units)',
    `select currency || ' ' || cast(sum(amount) as text) as id from (
       select currency, balance as amount from credit_balances
       union all select currency, -amount from credit_entries
     ) both_sides group by currency having sum(amount) <> 0`,
  ),
  sqlCheck(
    'INV3',
    'a money fact and its journal entry do not say the same, or one of them is missing or there twice',
    `select distinct fact_type || ' ' || fact_id as id from (
       select fact_type, fact_id, account from (${EXPECTED_ENTRIES} union all ${POSTED_ENTRIES}) both_sides
       group by fact_type, fact_id, account having sum(amount) <> 0
     ) differing`,
  ),
];
