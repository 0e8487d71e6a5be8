import { fixed, frozen, type Migration, refuse } from './migration.ts';

const MEMBERS = ['companyName', 'companyAddress', 'companyEmail', 'companyTaxId', 'invoiceFooter'];
const NOBODY = `{${MEMBERS.map((member) => `"${member}":null`).join(',')}}`;
const membersOf = (read: (member: string) => string): string =>
  MEMBERS.map((member) => `'${member}', ${read(member)}`).join(', ');

/** The seller as the settings name it when this runs. */
const SELLER = {
  sqlite: `json_object(${membersOf((member) => `json_extract(value, '$.${member}')`)})`,
  postgres: `jsonb_build_object(${membersOf((member) => `value::jsonb -> '${member}'`)})`,
};
const backfill = (seller: string): string => `UPDATE invoices SET seller = (SELECT ${seller} FROM settings
  WHERE key = 'billing') WHERE EXISTS (SELECT 1 FROM settings WHERE key = 'billing')`;

const NOT_DRAFT = "OLD.status <> 'draft'";
const AMOUNTS = ['subtotal', 'discount_amount', 'tax_amount', 'total'];
const dropTrigger = (table: string, name: string) => ({
  sqlite: `DROP TRIGGER ${table}_${name}`,
  postgres: `DROP TRIGGER ${table}_${name} ON ${table}`,
});

/** What a document shows is frozen at its issue (rules I8). */
export const frozenDocuments: Migration = {
  name: '0024-frozen-documents',
  up: [
    dropTrigger('invoices', 'issued'),
    `ALTER TABLE invoices ADD COLUMN seller {json} NOT NULL DEFAULT '${NOBODY}'`,
    { sqlite: backfill(SELLER.sqlite), postgres: backfill(SELLER.postgres) },
    frozen(
      'invoices',
      'issued',
      [
        ...['id', 'invoice_number', 'customer_id', 'customer_name', 'bill_to', 'seller', 'subscription_id', 'origin'],
        ...['currency', ...AMOUNTS, 'tax_name', 'tax_rate', 'tax_inclusive', 'tax_rule_id', 'issued_at', 'due_date'],
        ...['collect_at', 'trace', 'created_at'],
      ],
      'an issued invoice keeps its number, parties, dates, amounts and evidence',
      NOT_DRAFT,
    ),
    frozen(
      'invoice_lines',
      'fixed',
      [
        ...['id', 'invoice_id', 'position', 'kind', 'description', 'quantity', 'unit_price', 'amount', 'product_id'],
        ...['plan_version_id', 'discount_id', 'period_start', 'period_end'],
      ],
      'a line of an invoice never changes',
    ),
    {
      postgres: `CREATE FUNCTION refuse_line_delete() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF EXISTS (SELECT 1 FROM invoices WHERE id = OLD.invoice_id AND status <> 'draft') THEN
            RAISE EXCEPTION 'only lines of drafts are deleted' USING ERRCODE = 'restrict_violation';
          END IF;
          RETURN OLD;
        END $$`,
    },
    {
      sqlite: `CREATE TRIGGER invoice_lines_no_delete BEFORE DELETE ON invoice_lines FOR EACH ROW
        WHEN EXISTS (SELECT 1 FROM invoices WHERE id = OLD.invoice_id AND status <> 'draft')
        BEGIN SELECT RAISE(ABORT, 'only lines of drafts are deleted'); END`,
      postgres: `CREATE TRIGGER invoice_lines_no_delete BEFORE DELETE ON invoice_lines FOR EACH ROW
        EXECUTE FUNCTION refuse_line_delete()`,
    },
    frozen(
      'credit_notes',
      'issued',
      [
        ...['id', 'credit_note_number', 'invoice_id', 'customer_id', 'cause', 'amount', 'tax_amount'],
        ...['applied_to_invoice', 'credited_to_balance', 'currency', 'reason', 'lines', 'issued_at', 'created_at'],
      ],
      'an issued credit note keeps its number, invoice, amounts and reason',
      NOT_DRAFT,
    ),
    refuse(
      'credit_notes',
      'UPDATE',
      'final',
      'a credit note is not taken back to an earlier state',
      "(OLD.status = 'void' AND NEW.status <> 'void') OR (OLD.status = 'issued' AND NEW.status = 'draft')",
    ),
    refuse('credit_notes', 'DELETE', 'no_delete', 'only drafts are deleted', NOT_DRAFT),
  ],
  down: [
    dropTrigger('credit_notes', 'no_delete'),
    dropTrigger('credit_notes', 'final'),
    dropTrigger('credit_notes', 'issued'),
    dropTrigger('invoice_lines', 'no_delete'),
    { postgres: 'DROP FUNCTION refuse_line_delete()' },
    dropTrigger('invoice_lines', 'fixed'),
    dropTrigger('invoices', 'issued'),
    'ALTER TABLE invoices DROP COLUMN seller',
    fixed(
      'invoices',
      'issued',
      [
        ...['id', 'invoice_number', 'customer_id', 'customer_name', 'subscription_id', 'currency', 'issued_at'],
        ...['subtotal', 'discount_amount', 'tax_amount', 'tax_name', 'tax_rate', 'tax_inclusive', 'total'],
      ],
      'an issued invoice keeps its number, parties and amounts',
      NOT_DRAFT,
    ),
  ],
};
