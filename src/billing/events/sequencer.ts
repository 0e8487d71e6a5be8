import { dialectOf } from '../../platform/db/connect.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { inTransaction, type Runtime } from '../../platform/work.ts';

const BATCH = 2000;
const LEASE = 'sequencer';
const SYSTEM = { type: 'system', id: null } as const;

/**
 * Gives the committed events their place in the global order (rules E2): by time, but never an event of a customer
 * before one with a lower sequence. One process numbers at a time; the others leave the work to it.
 */
export async function sequenceEvents(runtime: Runtime): Promise<void> {
  for (;;) {
    const numbered = await numberBatch(runtime);
    if (numbered < BATCH) return;
    await breathe();
  }
}

function numberBatch(runtime: Runtime): Promise<number> {
  return inTransaction(runtime, { actor: SYSTEM, action: 'sequencer' }, async ({ db }) => {
    if (dialectOf(db) === 'postgres') {
      await db('leases').insert({ name: LEASE }).onConflict('name').ignore();
      const held = await db('leases').select('name').where({ name: LEASE }).forUpdate().skipLocked();
      if (held.length === 0) return 0;
    }
    const [top] = await db('events').max({ position: 'position' }).whereNotNull('position');
    const first = Number(top?.position ?? 0);
    await db.raw(NUMBER, [BATCH, first]);
    const [now] = await db('events').max({ position: 'position' }).whereNotNull('position');
    return Number(now?.position ?? 0) - first;
  });
}

/** `closed` adds the unpositioned events of the same customers with a lower sequence, however late they were made. */
const NUMBER = `
with batch as (
  select id, customer_id, sequence from events where position is null order by created_at, id limit ?
), bounds as (
  select customer_id, max(sequence) as top from batch where customer_id is not null group by customer_id
), closed as (
  select e.id, e.customer_id, e.sequence, e.created_at from events e
    join bounds b on b.customer_id = e.customer_id where e.position is null and e.sequence <= b.top
  union all
  select e.id, e.id, 1, e.created_at from events e join batch b on b.id = e.id where b.customer_id is null
), keyed as (
  select id, sequence,
    max(created_at) over (partition by customer_id order by sequence) as reached_at,
    max(id) over (partition by customer_id order by sequence) as reached_id
  from closed
), numbered as (
  select id, ? + row_number() over (order by reached_at, reached_id, sequence) as place from keyed
)
update events set position = numbered.place from numbered where events.id = numbered.id`;
