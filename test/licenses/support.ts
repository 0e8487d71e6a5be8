import type { Answer, Api, TestApp } from '../support/app.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests read any member of any answer; the contract check is on
export type Entity = any;

export const licenseOf = async (app: TestApp, key: string): Promise<Entity> =>
  (await app.api.get(`/api/licenses/${key}`)).body;

/** The one licence of a subscription that is not revoked, or the newest that is; undefined when it has none. */
export async function licenseOfSubscription(app: TestApp, subscriptionId: string): Promise<Entity> {
  const found: Entity[] = (await app.api.get(`/api/licenses?subscriptionId=${subscriptionId}`)).body;
  return found.find(({ status }) => status !== 'revoked') ?? found[0];
}

export const putLicense = (app: TestApp, key: string, body: unknown): Promise<Answer> =>
  app.api.put(`/api/licenses/${key}`, body);

export const verify = ({ anonymous }: { anonymous: Api }, licenseKey: string, more: object = {}): Promise<Answer> =>
  anonymous.post('/api/licenses/verify', { licenseKey, ...more });

export const verifyFile = ({ anonymous }: { anonymous: Api }, file: string, more: object = {}): Promise<Answer> =>
  anonymous.post('/api/licenses/verify', { file, ...more });

export const validate = (
  { anonymous }: { anonymous: Api },
  licenseKey: string,
  deviceId: string,
  more: object = {},
): Promise<Answer> => anonymous.post('/api/licenses/validate', { licenseKey, deviceId, ...more });

export const devicesOf = async (app: TestApp, key: string): Promise<Entity[]> =>
  (await app.api.get(`/api/licenses/${key}/activations?limit=1000`)).body;

export const rotate = async (app: TestApp): Promise<Entity> => {
  const answer = await app.api.post('/api/licenses/keypair');
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body;
};

export const sign = async (app: TestApp, key: string): Promise<Entity> => {
  const answer = await app.api.post(`/api/licenses/${key}/sign`);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
};

export const exported = async (app: TestApp, key: string): Promise<string> => {
  const answer = await app.api.get(`/api/licenses/${key}/export`);
  if (answer.status !== 200) throw new Error(answer.text);
  return Buffer.from(answer.body).toString('utf8');
};

/** `activated reinstated`: the events of a licence, oldest first, with the reason where there is one. */
export async function toldOf(app: TestApp, licenseId: string): Promise<string[]> {
  await app.drain();
  const { body } = await app.api.get(`/api/billing/events?limit=1000&resourceId=${licenseId}`);
  return body
    .toReversed()
    .map(({ type, data }: Entity) => [type.replace('license.', ''), data.reason].filter(Boolean).join(' '));
}
