import { changesOf } from '../platform/changes.ts';
import { notFound, refuse } from '../platform/errors.ts';
import type { Context, Handlers } from '../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../platform/http/pagination.ts';
import { checkVersion } from '../platform/http/versions.ts';
import { formatMoney } from '../platform/money.ts';
import { loadBillingSettings } from '../settings/store.ts';
import { type Customer, changedCustomer, checkOwnChange, newCustomer } from './customer.ts';
import type { CustomerFigures } from './hooks.ts';
import { pickReferences } from './references.ts';
import * as store from './store.ts';

const SUBSCRIPTIONS_SHOWN = 100;

const listCustomers: Handlers<'customers'>['listCustomers'] = async ({ query }, context) => {
  const read = (step: PageRequest) => store.listCustomers(context.db, context.scope, query, step);
  const page = await readPage('customers', query, { keyOf, read });
  const figures = await loadFigures(context, page.rows);
  return paged(page, (customer) => present(customer, figures(customer)));
};

const createCustomer: Handlers<'customers'>['createCustomer'] = async ({ body }, context) => {
  const customer = newCustomer(context.newId(), body, context.now);
  await checkUnique(context, customer);
  if (!(await store.insertCustomer(context.db, customer))) throw taken(['email']);
  context.audit({ entityType: 'customer', entityId: customer.id, changes: changesOf<object>({}, customer) });
  const { defaultCurrency } = await loadBillingSettings(context.db, context.runtime.config);
  return present(customer, context.runtime.hooks.customers.newFigures(customer, defaultCurrency));
};

const getCustomer: Handlers<'customers'>['getCustomer'] = async ({ path }, context) => {
  const customer = await store.findCustomer(context.db, context.scope, path.id);
  if (!customer) throw notFound('customer');
  const { subscriptionsOf } = context.runtime.hooks.customers;
  const subscriptions = await subscriptionsOf(context.db, customer.id, SUBSCRIPTIONS_SHOWN);
  return { ...(await presentOne(context, customer)), subscriptions };
};

const updateCustomer: Handlers<'customers'>['updateCustomer'] = async ({ path, body }, context) => {
  const before = await store.lockCustomer(context.db, context.scope, path.id);
  if (!before) throw notFound('customer');
  if (context.scope !== null) checkOwnChange(body);
  checkVersion(context, before.version);
  const after = changedCustomer(before, body);
  const changes = changesOf(before, after);
  if (Object.keys(changes).length === 0) return presentOne(context, before);
  if (store.UNIQUE_MEMBERS.some((member) => member in changes)) await checkUnique(context, after);
  const stored = { ...after, version: before.version + 1, updatedAt: context.now };
  await store.updateCustomer(context.db, stored);
  context.audit({ entityType: 'customer', entityId: path.id, changes });
  return presentOne(context, stored);
};

const deleteCustomer: Handlers<'customers'>['deleteCustomer'] = async ({ path }, context) => {
  const customer = await store.lockCustomerForDelete(context.db, path.id);
  if (!customer) throw notFound('customer');
  checkVersion(context, customer.version);
  if (await context.runtime.hooks.customers.isReferenced(context.db, path.id))
    throw refuse('delete_conflict', 'The customer has billing rows, API keys or users.');
  await store.deleteCustomer(context.db, path.id);
  context.audit({ entityType: 'customer', entityId: path.id });
};

export const customers: Handlers<'customers'> = {
  listCustomers,
  createCustomer,
  getCustomer,
  updateCustomer,
  deleteCustomer,
  v1ListCustomers: listCustomers,
  v1CreateCustomer: createCustomer,
  v1GetCustomer: getCustomer,
  v1UpdateCustomer: updateCustomer,
  v1DeleteCustomer: deleteCustomer,
};

const keyOf = (customer: Customer) => customer.id;

async function checkUnique({ db }: Context, customer: Customer): Promise<void> {
  const members = await store.takenMembers(db, customer);
  if (members.length > 0) throw taken(members);
}

function taken(members: store.UniqueMember[]) {
  const fields = Object.fromEntries(members.map((member) => [member, 'is taken by another customer']));
  return refuse('already_exists', 'Another customer has this value.', fields);
}

async function loadFigures({ db, now, runtime }: Context, rows: Customer[]) {
  const { defaultCurrency } = await loadBillingSettings(db, runtime.config);
  return runtime.hooks.customers.figuresOf(db, rows, defaultCurrency, now);
}

async function presentOne(context: Context, customer: Customer) {
  const figures = await loadFigures(context, [customer]);
  return present(customer, figures(customer));
}

const present = (customer: Customer, figures: CustomerFigures) => ({
  id: customer.id,
  name: customer.name,
  email: customer.email,
  company: customer.company,
  tier: customer.tier,
  billingEmail: customer.billingEmail,
  phone: customer.phone,
  billingAddress: customer.billingAddress,
  billingCity: customer.billingCity,
  billingState: customer.billingState,
  billingZip: customer.billingZip,
  billingCountry: customer.billingCountry,
  taxId: customer.taxId,
  paymentMethod: customer.paymentMethod,
  currency: customer.currency,
  metadata: customer.metadata,
  ...pickReferences(customer),
  healthScore: figures.healthScore,
  creditBalance: formatMoney(figures.creditBalance, figures.creditCurrency),
  creditBalances: figures.creditBalances.map(({ currency, balance }) => ({
    currency,
    balance: formatMoney(balance, currency),
  })),
  products: figures.products,
  version: customer.version,
  createdAt: customer.createdAt,
  updatedAt: customer.updatedAt,
});
