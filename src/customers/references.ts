import { CUSTOMER_ID_PROVIDERS, type CustomerIdProvider } from '../providers/list.ts';

/** The ids that a customer has at providers, one member for each provider that has such ids. */
export type CustomerReferences = { [P in CustomerIdProvider as `${P}CustomerId`]: string | null };
export type ReferenceRow = { [P in CustomerIdProvider as `${P}_customer_id`]: string | null };
export type ReferenceMember = keyof CustomerReferences;

export const REFERENCES = CUSTOMER_ID_PROVIDERS.map((name) => ({
  member: `${name}CustomerId` as const,
  column: `${name}_customer_id` as const,
}));

const referencesBy = (pick: (one: (typeof REFERENCES)[number]) => string | null): CustomerReferences =>
  Object.fromEntries(REFERENCES.map((one) => [one.member, pick(one)])) as CustomerReferences;

export const noReferences = (): CustomerReferences => referencesBy(() => null);
export const pickReferences = (of: CustomerReferences): CustomerReferences => referencesBy(({ member }) => of[member]);
export const fromReferenceRow = (row: ReferenceRow): CustomerReferences => referencesBy(({ column }) => row[column]);
export const toReferenceRow = (of: CustomerReferences): ReferenceRow =>
  Object.fromEntries(REFERENCES.map(({ member, column }) => [column, of[member]])) as ReferenceRow;
