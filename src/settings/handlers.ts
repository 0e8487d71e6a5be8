import { changesOf } from '../platform/changes.ts';
import type { Handlers } from '../platform/http/operations.ts';
import { type BillingSettings, changedSettings } from './billing-settings.ts';
import { providerSettings } from './provider-handlers.ts';
import { loadBillingSettings, lockBillingSettings, saveBillingSettings } from './store.ts';
import { BILLING_WITHOUT_EFFECT } from './without-effect.ts';

export const settings: Handlers<'settings'> = {
  ...providerSettings,

  async getBillingSettings(_, { db, runtime }) {
    return present(await loadBillingSettings(db, runtime.config));
  },

  async updateBillingSettings({ body }, context) {
    const { db, now, runtime } = context;
    const before = await lockBillingSettings(db, runtime.config);
    const after = changedSettings(before, body);
    const changes = changesOf(before, after);
    if (Object.keys(changes).length === 0) return present(before);
    const saved = { ...after, updatedAt: now };
    await saveBillingSettings(db, saved);
    context.audit({ entityType: 'settings', entityId: 'billing', changes });
    return present(saved);
  },
};

const present = (s: BillingSettings) => ({
  companyName: s.companyName,
  companyAddress: s.companyAddress,
  companyEmail: s.companyEmail,
  companyTaxId: s.companyTaxId,
  invoiceFooter: s.invoiceFooter,
  defaultCurrency: s.defaultCurrency,
  paymentTermsDays: s.paymentTermsDays,
  preRenewalInvoiceDays: s.preRenewalInvoiceDays,
  trialEndingNoticeDays: s.trialEndingNoticeDays,
  invoicePrefix: s.invoicePrefix,
  creditNotePrefix: s.creditNotePrefix,
  licenseKeyPrefix: s.licenseKeyPrefix,
  licenseGraceDays: s.licenseGraceDays,
  usageMaxAgeDays: s.usageMaxAgeDays,
  usageFutureToleranceSeconds: s.usageFutureToleranceSeconds,
  dunning: s.dunning,
  withoutEffect: [...BILLING_WITHOUT_EFFECT],
  updatedAt: s.updatedAt,
});
