import { notFound } from '../../platform/errors.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { normalKey } from '../license.ts';
import { lockLicense } from '../store.ts';
import { deleteActivation, listActivations } from './activation-store.ts';
import { requireLicense, unknownLicense } from './lookup.ts';

type Tag = Handlers<'licenses'>;

export const listLicenseActivations: Tag['listLicenseActivations'] = async ({ path, query }, { db, scope }) => {
  const { id, licenseKey } = await requireLicense(db, scope, path.key);
  const read = (step: PageRequest) => listActivations(db, id, step);
  return paged(await readPage('licenseActivations', query, { keyOf: (row) => row.id, read }), (row) => ({
    id: row.id,
    licenseKey,
    deviceId: row.deviceId,
    deviceName: row.deviceName,
    ipAddress: row.ip,
    activatedAt: row.activatedAt,
    lastSeenAt: row.lastSeenAt,
  }));
};

export const deleteLicenseActivation: Tag['deleteLicenseActivation'] = async ({ path }, context) => {
  const license = await lockLicense(context.db, context.scope, normalKey(path.key));
  if (!license) throw unknownLicense();
  if (!(await deleteActivation(context.db, license.id, path.deviceId))) throw notFound('device');
  context.audit({
    entityType: 'license',
    entityId: license.id,
    changes: { deviceId: [path.deviceId, null] },
    reason: 'device removed',
  });
};
