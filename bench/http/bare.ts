import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import express, { type Express } from 'express';
import pg from 'pg';
import { createIds } from '../../src/platform/ids.ts';
import { memo } from '../../src/platform/memo.ts';

/**
 * What one would write without a contract: Express, the plain driver with prepared statements, and the same SQL that the
 * whole pipeline runs for these requests (session, row; session, transaction, row, audit row).
 */
const SESSION = `select s.user_id, s.expires_at, u.role, u.customer_id from sessions s join users u on u.id = s.user_id where s.token_hash = ?`;
const PAYMENT = 'select * from payments where id = ?';
const RULE = `insert into products (id, name, product_type, description, price, currency, status, created_at, updated_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const AUDIT = `insert into audit_log (id, at, actor_type, actor_id, action, entity_type, entity_id, changes, reason, request_id, ip)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const newIdAt = createIds();

interface Driver {
  row(sql: string, values: unknown[]): Promise<Record<string, unknown> | undefined>;
  write(statements: [string, unknown[]][]): Promise<void>;
}

function sqlite(url: string): Driver {
  const db = new Database(url.slice('sqlite:'.length));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  const known = new Map<string, Database.Statement>();
  const prepare = (sql: string) => memo(known, sql, () => db.prepare(sql));
  const write = db.transaction((statements: [string, unknown[]][]) => {
    for (const [sql, values] of statements) prepare(sql).run(values);
  });
  return {
    row: async (sql, values) => prepare(sql).get(values) as Record<string, unknown> | undefined,
    write: async (statements) => write.immediate(statements),
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
    async write(statements) {
      const client = await pool.connect();
      await client.query('begin');
      for (const [sql, values] of statements) await client.query({ ...prepare(sql), values });
      await client.query('commit');
      client.release();
    },
  };
}

export async function bareApp(url: string): Promise<Express> {
  const driver = url.startsWith('sqlite:') ? sqlite(url) : postgres(url);
  const app = express();
  app.use(express.json());
  const session = async (cookie: string | undefined) => {
    const token = /session=([^;]+)/.exec(cookie ?? '')?.[1] ?? '';
    const user = await driver.row(SESSION, [createHash('sha256').update(token).digest('hex')]);
    return user && new Date(user.expires_at as string).toISOString() > new Date().toISOString() ? user : undefined;
  };
  app.get('/api/billing/payments/:id', async (req, res) => {
    const user = await session(req.headers.cookie);
    if (!user) return void res.status(401).end();
    const row = await driver.row(PAYMENT, [req.params.id]);
    if (!row) return void res.status(404).end();
    res.json(row);
  });
  app.post('/api/products', async (req, res) => {
    const user = await session(req.headers.cookie);
    if (!user) return void res.status(401).end();
    const now = new Date();
    const at = now.toISOString();
    const { name, productType, price } = req.body;
    const id = newIdAt(at);
    const row = [id, name, productType, null, Math.round(Number(price) * 100), 'USD', 'active', at, at];
    const audit = [
      newIdAt(at),
      at,
      'user',
      user.user_id,
      'createProduct',
      'product',
      id,
      JSON.stringify(req.body),
      null,
      id,
      req.ip,
    ];
    await driver.write([
      [RULE, row],
      [AUDIT, audit],
    ]);
    res
      .status(201)
      .json({ id, name, productType, price, currency: 'USD', status: 'active', createdAt: at, updatedAt: at });
  });
  return app;
}
