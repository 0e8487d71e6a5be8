import type { Migration } from './migration.ts';

/** Finds the keys that a user has made. */
export const apiKeyCreators: Migration = {
  name: '0034-api-key-creators',
  up: ['CREATE INDEX api_keys_creator ON api_keys (created_by) WHERE created_by IS NOT NULL'],
  down: ['DROP INDEX api_keys_creator'],
};
