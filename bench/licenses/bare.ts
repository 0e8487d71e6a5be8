import { createPublicKey, verify } from 'node:crypto';
import Database from 'better-sqlite3';
import express, { type Express } from 'express';
import pg from 'pg';
import { memo } from '../../src/platform/memo.ts';

/**
 * What one would write without a contract: Express, the plain driver with prepared statements, and the same SQL that the
 * whole pipeline runs: the licence with its subscription; the refreshed device; the public key of a file.
 */
const CHECK = `select l.id, l.license_key, l.customer_id, l.product_id, l.status, l.features, l.max_activations,
  l.current_activations, l.expires_at, s.status as subscription_status, s.cancel_at_period_end
  from licenses l left join subscriptions s on s.id = l.subscription_id where l.license_key = ?`;
const TOUCH = `update license_activations set device_name = coalesce(?, device_name), ip = ?,
  last_seen_at = case when last_seen_at > ? then last_seen_at else ? end where license_id = ? and device_id = ?`;
const KEY = 'SELECT public_key FROM signing_keys WHERE kid = ?';

type Row = Record<string, unknown>;
interface Driver {
  row(sql: string, values: unknown[]): Promise<Row | undefined>;
  write(sql: string, values: unknown[]): Promise<void>;
}

function sqlite(url: string): Driver {
  const db = new Database(url.slice('sqlite:'.length));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  const known = new Map<string, Database.Statement>();
  const prepare = (sql: string) => memo(known, sql, () => db.prepare(sql));
  return {
    row: async (sql, values) => prepare(sql).get(values) as Row | undefined,
    write: async (sql, values) => void prepare(sql).run(values),
  };
}

function postgres(url: string): Driver {
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const names = new Map<string, { name: string; text: string }>();
  const prepare = (sql: string) => {
    let n = 0;
    if (!names.has(sql)) names.set(sql, { name: `b${names.size}`, text: sql.replace(/\?/g, () => `$${++n}`) });
    return names.get(sql)!;
  };
  return {
    row: async (sql, values) => (await pool.query({ ...prepare(sql), values })).rows[0],
    write: async (sql, values) => void (await pool.query({ ...prepare(sql), values })),
  };
}

export function bareApp(url: string): Express {
  const driver = url.startsWith('sqlite:') ? sqlite(url) : postgres(url);
  const app = express();
  app.use(express.json());
  const shown = (row: Row) => ({
    valid: true,
    status: row.status,
    features: typeof row.features === 'string' ? JSON.parse(row.features) : row.features,
    expiresAt: row.expires_at,
  });
  const licenseOf = async (key: string) => {
    const row = await driver.row(CHECK, [key.trim().toUpperCase()]);
    return row?.status === 'active' ? row : undefined;
  };
  app.post('/api/licenses/verify', async (req, res) => {
    const key = req.body.file ? await keyOfFile(driver, req.body.file) : req.body.licenseKey;
    const row = key && (await licenseOf(key));
    if (!row) return void res.status(404).end();
    res.json(shown(row));
  });
  app.post('/api/licenses/validate', async (req, res) => {
    const row = await licenseOf(req.body.licenseKey);
    if (!row) return void res.status(404).end();
    const now = new Date().toISOString();
    await driver.write(TOUCH, [null, req.ip, now, now, row.id, req.body.deviceId]);
    res.json({ ...shown(row), maxActivations: row.max_activations, currentActivations: row.current_activations });
  });
  return app;
}

const keys = new Map<string, ReturnType<typeof createPublicKey>>();

async function keyOfFile(driver: Driver, file: string): Promise<string | undefined> {
  const [, payload, , signature] = file.split(/-----[A-Z ]+-----/).map((part) => Buffer.from(part, 'base64'));
  const { kid, licenseId } = JSON.parse(payload!.toString());
  const row = await driver.row(KEY, [kid]);
  if (!row) return undefined;
  const key = memo(keys, kid, () => createPublicKey(row.public_key as string));
  return verify(null, payload!, key, signature!) ? licenseId : undefined;
}
