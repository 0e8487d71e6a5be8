import type { Instant } from '../platform/calendar.ts';
import type { Config } from '../platform/config.ts';
import { isCurrency } from '../platform/currencies.ts';
import { type Fields, invalid } from '../platform/errors.ts';

/** When an unpaid invoice is reminded of; days after its due date, null = step left out (rules N). */
export interface DunningSchedule {
  enabled: boolean;
  reminderDays: number | null;
  warningDays: number | null;
  finalNoticeDays: number | null;
  suspensionDays: number | null;
  /** Days after the last configured step; null = never. */
  exhaustAfterDays: number | null;
  /** Hours between the attempts to charge; empty = no retry. */
  chargeRetryHours: number[];
}

/** Company data and billing defaults (rules §3, contract 3.9). */
export interface BillingSettings {
  companyName: string | null;
  companyAddress: string | null;
  companyEmail: string | null;
  companyTaxId: string | null;
  invoiceFooter: string | null;
  defaultCurrency: string;
  paymentTermsDays: number;
  preRenewalInvoiceDays: number;
  trialEndingNoticeDays: number;
  invoicePrefix: string;
  creditNotePrefix: string;
  licenseKeyPrefix: string;
  licenseGraceDays: number;
  usageMaxAgeDays: number;
  usageFutureToleranceSeconds: number;
  dunning: DunningSchedule;
  updatedAt: Instant;
}

export type BillingSettingsChange = {
  [M in Exclude<keyof BillingSettings, 'updatedAt'>]?: BillingSettings[M] | undefined;
};

const NEVER: Instant = '1970-01-01T00:00:00.000Z';

/** The settings of a server on which nobody has changed any. */
export const defaultBillingSettings = (
  config: Pick<Config, 'defaultCurrency' | 'licenseKeyPrefix'>,
): BillingSettings => ({
  companyName: null,
  companyAddress: null,
  companyEmail: null,
  companyTaxId: null,
  invoiceFooter: null,
  defaultCurrency: config.defaultCurrency,
  paymentTermsDays: 30,
  preRenewalInvoiceDays: 7,
  trialEndingNoticeDays: 3,
  invoicePrefix: 'INV',
  creditNotePrefix: 'CN',
  licenseKeyPrefix: config.licenseKeyPrefix,
  licenseGraceDays: 3,
  usageMaxAgeDays: 90,
  usageFutureToleranceSeconds: 300,
  dunning: {
    enabled: true,
    reminderDays: 3,
    warningDays: 7,
    finalNoticeDays: 14,
    suspensionDays: 30,
    exhaustAfterDays: 30,
    chargeRetryHours: [1, 4, 24],
  },
  updatedAt: NEVER,
});

const DUNNING_STEPS = ['reminderDays', 'warningDays', 'finalNoticeDays', 'suspensionDays'] as const;

/**
 * The settings as they would be after an update; absent members stay, `dunning` is replaced as a whole.
 * Throws AppError `validation_error` for what the contract's schemas cannot say.
 */
export function changedSettings(before: BillingSettings, change: BillingSettingsChange): BillingSettings {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const after: BillingSettings = { ...before, ...given };
  const fields: Fields = {};
  if (!isCurrency(after.defaultCurrency)) fields.defaultCurrency = 'is not a currency that can be billed in';
  if (after.invoicePrefix === after.creditNotePrefix)
    fields[change.creditNotePrefix === undefined ? 'invoicePrefix' : 'creditNotePrefix'] =
      'must differ: invoices and credit notes are told apart by their prefix';
  let last = -1;
  for (const step of DUNNING_STEPS) {
    const days = after.dunning[step];
    if (days === null) continue;
    if (days <= last) fields[`dunning.${step}`] = 'must be later than the step before it';
    last = days;
  }
  for (const _ in fields) throw invalid(fields);
  return after;
}
