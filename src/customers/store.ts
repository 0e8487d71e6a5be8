import { int, json, toJson } from '../platform/db/columns.ts';
import type { Db } from '../platform/db/connect.ts';
import { lockNames } from '../platform/db/locks.ts';
import { notFound } from '../platform/errors.ts';
import type { PageRequest } from '../platform/http/pagination.ts';
import type { Scope } from '../platform/http/principal.ts';
import type { PaymentMethodCode } from '../providers/methods.ts';
import { type Customer, type CustomerTier, emailKey, type Metadata } from './customer.ts';
import { fromReferenceRow, REFERENCES, type ReferenceMember, type ReferenceRow, toReferenceRow } from './references.ts';

export interface CustomerFilter {
  email?: string | undefined;
  tier?: CustomerTier | undefined;
}

/** Newest first; up to `limit + 1` rows. */
export async function listCustomers(
  db: Db,
  scope: Scope,
  filter: CustomerFilter,
  page: PageRequest,
): Promise<Customer[]> {
  const query = db('customers')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (scope !== null) query.where({ id: scope });
  if (page.after) query.where('id', '<', page.after);
  if (filter.email !== undefined) query.where({ email_key: emailKey(filter.email) });
  if (filter.tier) query.where({ tier: filter.tier });
  return (await query).map(fromRow);
}

export async function findCustomer(db: Db, scope: Scope, id: string): Promise<Customer | undefined> {
  if (scope !== null && scope !== id) return undefined;
  return (await db('customers').where({ id })).map(fromRow)[0];
}

/** Locks the row against every other writer of it. */
export async function lockCustomer(db: Db, scope: Scope, id: string): Promise<Customer | undefined> {
  if (scope !== null && scope !== id) return undefined;
  return (await db('customers').where({ id }).forNoKeyUpdate()).map(fromRow)[0];
}

/**
 * Makes sure that the customer is there, and stays until the commit, for a row that will point to it.
 * Throws AppError `not_found`.
 */
export async function requireCustomer(db: Db, id: string): Promise<void> {
  if ((await db('customers').where({ id }).select('id').forKeyShare()).length === 0) throw notFound('customer');
}

/** Locks the row also against new rows that point to it. */
export async function lockCustomerForDelete(db: Db, id: string): Promise<Customer | undefined> {
  return (await db('customers').where({ id }).forUpdate()).map(fromRow)[0];
}

export type UniqueMember = 'email' | ReferenceMember;
export const UNIQUE_MEMBERS: readonly UniqueMember[] = ['email', ...REFERENCES.map(({ member }) => member)];

/**
 * The members whose value another customer has. The values are held until the commit, so that nobody else can take
 * them meanwhile; call it before inserting a customer, or before an update that changes one of them.
 */
export async function takenMembers(db: Db, customer: Customer): Promise<UniqueMember[]> {
  const values: [UniqueMember, string, string | null][] = [
    ['email', 'email_key', emailKey(customer.email)],
    ...REFERENCES.map(({ member, column }): [UniqueMember, string, string | null] => [
      member,
      column,
      customer[member],
    ]),
  ];
  const set = values.filter(([, , value]) => value !== null);
  const locks = set.map(([, column, value]) => `customers.${column}:${value}`);
  await lockNames(db, locks);
  const rows: Record<string, string | null>[] = await db('customers')
    .whereNot({ id: customer.id })
    .where((any) => {
      for (const [, column, value] of set) any.orWhere(column, value);
    })
    .select(set.map(([, column]) => column));
  return set.filter(([, column, value]) => rows.some((row) => row[column] === value)).map(([member]) => member);
}

/** False when a unique value is taken after all. */
export async function insertCustomer(db: Db, customer: Customer): Promise<boolean> {
  const row = { ...toRow(customer), id: customer.id, created_at: customer.createdAt };
  return (await db('customers').insert(row).onConflict().ignore().returning('id')).length > 0;
}

export async function updateCustomer(db: Db, customer: Customer): Promise<void> {
  await db('customers').where({ id: customer.id }).update(toRow(customer));
}

export async function deleteCustomer(db: Db, id: string): Promise<void> {
  await db('customers').where({ id }).delete();
}

function toRow(customer: Customer) {
  return {
    name: customer.name,
    email: customer.email,
    email_key: emailKey(customer.email),
    company: customer.company,
    tier: customer.tier,
    billing_email: customer.billingEmail,
    phone: customer.phone,
    billing_address: customer.billingAddress,
    billing_city: customer.billingCity,
    billing_state: customer.billingState,
    billing_zip: customer.billingZip,
    billing_country: customer.billingCountry,
    tax_id: customer.taxId,
    payment_method: customer.paymentMethod,
    currency: customer.currency,
    ...toReferenceRow(customer),
    metadata: toJson(customer.metadata),
    version: customer.version,
    updated_at: customer.updatedAt,
  };
}

interface Row extends ReferenceRow {
  id: string;
  name: string;
  email: string;
  company: string | null;
  tier: CustomerTier;
  billing_email: string | null;
  phone: string | null;
  billing_address: string | null;
  billing_city: string | null;
  billing_state: string | null;
  billing_zip: string | null;
  billing_country: string | null;
  tax_id: string | null;
  payment_method: PaymentMethodCode | null;
  currency: string | null;
  metadata: unknown;
  version: unknown;
  created_at: string;
  updated_at: string;
}

function fromRow(row: Row): Customer {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    company: row.company,
    tier: row.tier,
    billingEmail: row.billing_email,
    phone: row.phone,
    billingAddress: row.billing_address,
    billingCity: row.billing_city,
    billingState: row.billing_state,
    billingZip: row.billing_zip,
    billingCountry: row.billing_country,
    taxId: row.tax_id,
    paymentMethod: row.payment_method,
    currency: row.currency,
    metadata: json<Metadata>(row.metadata),
    ...fromReferenceRow(row),
    version: int(row.version),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
