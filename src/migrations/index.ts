import { catalogue } from './0001-catalogue.ts';
import { subscriptions } from './0002-subscriptions.ts';
import { invoices } from './0003-invoices.ts';
import { paymentsAndCredits } from './0004-payments-credits.ts';
import { ledgerAndMrr } from './0005-ledger-mrr.ts';
import { eventsAndAccess } from './0006-events-access.ts';
import { refunds } from './0007-refunds.ts';
import { coupons } from './0010-coupons.ts';
import { usage } from './0011-usage.ts';
import { licenses } from './0013-licenses.ts';
import { taxQuotes } from './0014-tax-quotes.ts';
import { emails } from './0015-emails.ts';
import { usageTiers } from './0020-usage-tiers.ts';
import { authority } from './0021-authority.ts';
import { givenBack } from './0022-given-back.ts';
import { frozenDocuments } from './0024-frozen-documents.ts';
import { idempotencyClaims } from './0027-idempotency-claims.ts';
import { figures } from './0028-figures.ts';
import { givenEnds } from './0030-given-ends.ts';
import { putOff } from './0031-put-off.ts';
import { retention } from './0032-retention.ts';
import { providerNames } from './0033-provider-names.ts';
import { apiKeyCreators } from './0034-api-key-creators.ts';
import type { Migration } from './migration.ts';

/** In the order they are applied; a new one is added at the end. */
export const migrations: readonly Migration[] = [
  catalogue,
  subscriptions,
  invoices,
  paymentsAndCredits,
  ledgerAndMrr,
  eventsAndAccess,
  refunds,
  coupons,
  usage,
  licenses,
  taxQuotes,
  emails,
  usageTiers,
  authority,
  givenBack,
  frozenDocuments,
  idempotencyClaims,
  figures,
  givenEnds,
  putOff,
  retention,
  providerNames,
  apiKeyCreators,
];
