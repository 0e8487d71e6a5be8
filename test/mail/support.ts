import { type StartOptions, startApp, type TestApp } from '../support/app.ts';
import { type Smtp, type SmtpOptions, startSmtp } from '../support/smtp.ts';

const open: { close(): Promise<void> }[] = [];

/** For afterEach. */
export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).toReversed()) await one.close();
}

export async function mailServer(options: SmtpOptions = {}): Promise<Smtp> {
  const smtp = await startSmtp(options);
  open.push(smtp);
  return smtp;
}

/** A server that sends through `smtp`. */
export async function mailingApp(smtp: Smtp, options: StartOptions = {}): Promise<TestApp> {
  const app = await startApp({ ...options, config: { mail: smtp.config(), ...options.config } });
  open.push(app);
  return app;
}

// biome-ignore lint/suspicious/noExplicitAny: rows as either driver answers them
export const emailsOf = (app: TestApp): Promise<any[]> => app.database.read('emails').orderBy('id');

/** An invoice whose own e-mail is out of the way, so that only what a test queues is there. */
export async function quietInvoice(
  app: TestApp,
  over: Record<string, unknown> = {},
): Promise<{ id: string; invoiceNumber: string }> {
  const invoice = await app.given.invoice(over);
  await app.database.write('emails').delete();
  return invoice;
}

export const send = (app: TestApp, id: string, body: object = {}, headers = {}) =>
  app.api.post(`/api/billing/invoices/${id}/send`, body, headers);
