import type { DunningResult, LicensesResult, LifecycleResult, WebhooksResult } from '../../generated/types.gen.ts';
import { markOverdue } from '../billing/run/dunning.ts';
import { runLifecycle } from '../billing/run/lifecycle.ts';
import { runLicenses } from '../licenses/jobs.ts';
import { queueLateEmails } from '../mail/put-off.ts';
import { sendEmails } from '../mail/send.ts';
import type { Handlers } from '../platform/http/operations.ts';
import type { Runtime } from '../platform/work.ts';

export const cron: Handlers<'cron'> = {
  runLifecycleJob: (_, { runtime }) => lifecycle(runtime),
  runDunningJob: (_, { runtime }) => dunning(runtime),
  runLicensesJob: (_, { runtime }) => licenses(runtime),
  runWebhooksJob: (_, { runtime }) => webhooks(runtime),
  async runAllJobs(_, { runtime, now }) {
    return {
      asOf: now,
      lifecycle: await lifecycle(runtime),
      dunning: await dunning(runtime),
      licenses: await licenses(runtime),
      webhooks: await webhooks(runtime),
    };
  },
};

async function lifecycle(runtime: Runtime): Promise<LifecycleResult> {
  const [asOf, started] = [runtime.clock.now(), performance.now()];
  const { counters, errors } = await runLifecycle(runtime);
  return { asOf, ...counters, durationMs: Math.round(performance.now() - started), errors };
}

async function dunning(runtime: Runtime): Promise<DunningResult> {
  const [asOf, started] = [runtime.clock.now(), performance.now()];
  const { marked: invoicesMarkedOverdue, errors } = await markOverdue(runtime);
  const steps = { started: 0, reminders: 0, warnings: 0, finalNotices: 0, suspensions: 0 };
  const ends = { skipped: 0, exhausted: 0, resolved: 0 };
  const durationMs = Math.round(performance.now() - started);
  return { asOf, invoicesMarkedOverdue, ...steps, ...ends, durationMs, errors };
}

async function licenses(runtime: Runtime): Promise<LicensesResult> {
  const [asOf, started] = [runtime.clock.now(), performance.now()];
  const { expired, signed, caughtUp, errors } = await runLicenses(runtime);
  return { asOf, expired, signed, caughtUp, durationMs: Math.round(performance.now() - started), errors };
}

async function webhooks(runtime: Runtime): Promise<WebhooksResult> {
  const [asOf, started] = [runtime.clock.now(), performance.now()];
  const { errors } = await queueLateEmails(runtime);
  const { sent: emailsSent, failed: emailsFailed } = await sendEmails(runtime);
  const deliveries = { attempted: 0, delivered: 0, failed: 0, pending: 0, endpointsDisabled: 0 };
  const inbox = { inboxProcessed: 0, inboxFailed: 0 };
  const durationMs = Math.round(performance.now() - started);
  return { asOf, ...deliveries, ...inbox, emailsSent, emailsFailed, durationMs, errors };
}
