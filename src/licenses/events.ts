import type { NewEvent } from '../platform/work.ts';
import type { License, LicenseStatus } from './license.ts';

type Told = Pick<License, 'id' | 'customerId' | 'licenseKey' | 'productId'>;

const licenseEvent = (type: string, license: Told, data: Record<string, unknown> = {}): NewEvent => ({
  type,
  customerId: license.customerId,
  resourceType: 'license',
  resourceId: license.id,
  data: {
    licenseId: license.id,
    customerId: license.customerId,
    licenseKey: license.licenseKey,
    productId: license.productId,
    ...data,
  },
});

export const createdEvent = (license: License): NewEvent =>
  licenseEvent('license.created', license, {
    subscriptionId: license.subscriptionId,
    status: license.status,
    maxActivations: license.maxActivations,
    expiresAt: license.expiresAt,
  });

/** `device` is null when a suspended or expired licence became active again. */
export const activatedEvent = (
  license: Told & Pick<License, 'currentActivations' | 'maxActivations'>,
  device: { deviceId: string; deviceName: string | null } | null,
): NewEvent =>
  licenseEvent('license.activated', license, {
    reason: device ? 'device' : 'reinstated',
    deviceId: device?.deviceId ?? null,
    deviceName: device?.deviceName ?? null,
    currentActivations: license.currentActivations,
    maxActivations: license.maxActivations,
  });

/** The event of a changed status; none when it is the same. */
export function statusEvents(before: LicenseStatus, license: License): NewEvent[] {
  if (before === license.status) return [];
  switch (license.status) {
    case 'active':
      return [activatedEvent(license, null)];
    case 'suspended':
      return [licenseEvent('license.suspended', license, { reason: license.statusReason })];
    case 'revoked':
      return [licenseEvent('license.revoked', license)];
    case 'expired':
      return [licenseEvent('license.expired', license, { expiresAt: license.expiresAt })];
  }
}
