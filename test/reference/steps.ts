import { addMilliseconds, fromEpochMilliseconds } from '../../src/platform/calendar.ts';
import type { Answer } from '../support/app.ts';
import { CYCLES, METRIC, termsOf, text } from './catalogue.ts';
import type { LifeStep, Part } from './life.ts';
import { Refused } from './model.ts';
import { decimal } from './prices.ts';
import { couponOf, invoicesOf, nowOf, type Story } from './story.ts';

/** Takes a step on both; both take it or both refuse it. */
export async function takeStep(story: Story, step: LifeStep): Promise<void> {
  const { app, model } = story;
  if (step.do === 'wait' || step.do === 'waitForEnd') {
    if (step.do === 'wait') app.clock.advance({ hours: step.hours });
    else {
      const at = addMilliseconds(fromEpochMilliseconds(model.end), step.ms);
      if (at > app.clock.now()) app.clock.set(at);
    }
    if (step.run) await runBoth(story);
    return;
  }
  const [answer, follow] = await act(story, step);
  if (!answer) return;
  let refused = false;
  try {
    follow(nowOf(app), answer);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refused = true;
  }
  if (answer.status >= 500 || answer.status === 401 || refused !== answer.status >= 300)
    throw new Error(
      `${JSON.stringify(step)} ${refused ? 'should be refused' : ''} answered ${answer.status}: ${answer.text}`,
    );
  if (refused) await runBoth(story); // the server has rolled back what was due before the change, the model has not
}

/** Leaves nothing that later runs would work on. */
export async function endStory(story: Story): Promise<void> {
  await takeStep(story, { do: 'cancel' });
  await runBoth(story);
}

async function runBoth(story: Story): Promise<void> {
  const { body } = await story.app.cron.post('/api/billing/cron/lifecycle');
  if (body.errors.length > 0) throw new Error(JSON.stringify(body));
  story.ranAt = story.app.clock.now();
  story.model.catchUp(nowOf(story.app));
}

type Acted = [Answer | undefined, (now: number, answer: Answer) => void];

async function act(story: Story, step: Exclude<LifeStep, { do: 'wait' | 'waitForEnd' }>): Promise<Acted> {
  const { app, model, id } = story;
  const path = `/api/billing/subscriptions/${id}`;
  const put = (body: object) => app.api.put(path, body);
  switch (step.do) {
    case 'pause':
      return [await put({ status: 'paused' }), (now) => model.pause(now)];
    case 'resume':
      if (model.status === 'canceled') return [undefined, () => {}];
      return [await put({ status: 'active' }), (now) => model.resume(now)];
    case 'cancel':
      return [await app.api.delete(path), (now) => model.cancel(now)];
    case 'ending':
      return [await put({ cancelAtPeriodEnd: step.value }), (now) => model.setEnding(now, step.value)];
    case 'ahead':
      return [await put({ preRenewalInvoiceDays: step.days }), (now) => model.setAhead(now, step.days)];
    case 'quantity': {
      const quantity = model.terms.price.model === 'usage_based' ? 1 : step.quantity;
      return [await put({ quantity }), (now) => model.setQuantity(now, quantity)];
    }
    case 'reprice':
      return reprice(story, step.plan);
    case 'retax':
      return retax(story, step.days, step.rate);
    case 'credit':
    case 'refund':
      return giveBack(story, step);
    case 'change':
      return changePlan(story, step);
    case 'attach':
    case 'detach':
      return changeDiscount(story, step);
    case 'pay':
      return pay(story, step);
    case 'use':
      return use(story, step);
    default:
      return voidEvent(story, step.event);
  }
}

async function changePlan(story: Story, step: LifeStep & { do: 'change' }): Promise<Acted> {
  const { prorate, atEnd, named } = step;
  const target = termsOf(story.prices, step.plan, step.months, step.quantity);
  const answer = await story.app.api.post(`/api/billing/subscriptions/${story.id}/change-plan`, {
    newPlanId: target.price.plan,
    ...(named ? { quantity: target.quantity } : {}),
    billingCycle: CYCLES[target.months as 1],
    prorate,
    effective: atEnd ? 'period_end' : 'now',
  });
  return [answer, (now) => story.model.change(now, target, { prorate, atEnd, named })];
}

/** The plan costs more from now on; what was sold stays as it is (P2). */
async function reprice({ app, prices }: Story, n: number): Promise<Acted> {
  const at = n % prices.length;
  const { model, plan, base, unit } = prices[at]!;
  if (model !== 'flat' && model !== 'per_unit') return [undefined, () => {}];
  const more = (text: string) => String(Number(text) + 1);
  const change = model === 'flat' ? { base: more(base!) } : { unit: more(unit!) };
  const body = change.base ? { basePrice: change.base } : { unitPrice: change.unit };
  return [
    await app.api.put(`/api/billing/plans/${plan}`, body),
    () => {
      prices[at] = { ...prices[at]!, ...change };
    },
  ];
}

/** Another rate from a day on, today or later (V5). */
async function retax({ app, taxes }: Story, days: number, rate: string): Promise<Acted> {
  if (!taxes) return [undefined, () => {}];
  const from = Math.max(nowOf(app), taxes.rates.at(-1)!.from) + days * 86_400_000;
  const effectiveFrom = fromEpochMilliseconds(from).slice(0, 10);
  return [
    await app.api.put(`/api/billing/tax-rules/${taxes.ruleId}`, { rate, effectiveFrom }),
    (_, { body }) => {
      taxes.ruleId = body.id;
      taxes.rates.push({ from: Date.parse(effectiveFrom), rate });
    },
  ];
}

const partOf = (whole: bigint, part: Part): bigint =>
  ({ cent: 1n, third: whole / 3n + 1n, all: whole > 0n ? whole : 1n, over: whole + 1n })[part];

/** A person gives money back of an invoice, or of a payment. */
async function giveBack(story: Story, step: LifeStep & { do: 'credit' | 'refund' }): Promise<Acted> {
  const { app, model, currency } = story;
  const { account } = model;
  if (step.do === 'refund') {
    const at = step.payment % account.payments.length;
    const payment = account.payments[at];
    if (!payment) return [undefined, () => {}];
    const amount = partOf(payment.applied + payment.excess, step.part);
    const destination = step.toBalance ? 'credit' : 'original';
    const body = { paymentId: story.paymentIds[at], amount: text(amount, currency), reason: 'r', destination };
    const answer = await app.api.post('/api/billing/refunds', body);
    return [answer, () => refuseUnless(account.refund(payment, amount, step.toBalance))];
  }
  const at = step.invoice % account.invoices.length;
  const invoice = account.invoices[at];
  if (!invoice) return [undefined, () => {}];
  const amount = partOf(invoice.total - invoice.reversed, step.part);
  const body = { invoiceId: (await invoicesOf(story))[at].id, amount: text(amount, currency), reason: 'r' };
  const answer = await app.api.post('/api/billing/credit-notes', body);
  return [answer, () => refuseUnless(account.creditByHand(invoice, amount))];
}

function refuseUnless(done: boolean): void {
  if (!done) throw new Refused('not as much');
}

async function changeDiscount(story: Story, step: LifeStep & { do: 'attach' | 'detach' }): Promise<Acted> {
  const path = `/api/billing/subscriptions/${story.id}/discounts`;
  if (step.do === 'attach') {
    const { code, terms } = await couponOf(story, step.coupon);
    if (
      story.discounts.some(
        ({ model }) => !model.removed && model.percent === terms.percent && model.amount === terms.amount,
      )
    )
      return [undefined, () => {}];
    const answer = await story.app.api.post(path, { couponCode: code });
    return [
      answer,
      (now) => {
        story.model.attach(now, { ...terms, starts: 0, ends: null });
        story.discounts.push({ id: answer.body.id, model: story.model.discounts.at(-1)! });
      },
    ];
  }
  const one = story.discounts[step.discount % story.discounts.length];
  if (!one || one.model.removed) return [undefined, () => {}];
  return [await story.app.api.delete(`${path}/${one.id}`), (now) => story.model.detach(now, one.model)];
}

async function pay(story: Story, step: LifeStep & { do: 'pay' }): Promise<Acted> {
  const open = story.model.account.invoices.flatMap(({ status }, i) => (status === 'issued' ? [i] : []));
  const at = open[step.invoice % open.length];
  if (at === undefined) return [undefined, () => {}];
  const invoice = story.model.account.invoices[at]!;
  const amount = { some: invoice.due / 3n + 1n, all: invoice.due, more: invoice.due + 1234n }[step.part];
  const { id } = (await invoicesOf(story))[at];
  const body = { invoiceId: id, amount: text(amount, story.currency), paymentMethod: 'manual' };
  return [
    await story.app.api.post('/api/billing/payments', body),
    (_, answer) => {
      story.model.account.pay(invoice, amount);
      story.paymentIds.push(answer.body.id);
    },
  ];
}

async function use(story: Story, step: LifeStep & { do: 'use' }): Promise<Acted> {
  const { app, model } = story;
  if (model.terms.price.model !== 'usage_based') return [undefined, () => {}];
  const now = nowOf(app);
  const items = step.values.map(({ hours, value }) => ({
    at: now - hours * 3_600_000,
    value: (value / 10).toString(),
  }));
  const answer = await app.api.post(
    '/api/billing/usage',
    items.map(({ at, value }) => ({
      subscriptionId: story.id,
      metricName: METRIC.name,
      value,
      timestamp: fromEpochMilliseconds(at),
    })),
  );
  return [
    answer,
    () => {
      const { results, accepted } = answer.body.batch ?? answer.body;
      for (const { index: i, status, id } of results) {
        const { at, value } = items[i]!;
        const running = model.status !== 'canceled' && model.counts(at);
        if (running && status !== 'accepted') throw new Error(`usage of the running period was ${status}`);
        if (status === 'accepted')
          story.events.push({ id, model: model.use({ at, value: decimal(value), unique: '' }) });
      }
      if (accepted === 0) throw new Refused('no event was taken');
    },
  ];
}

async function voidEvent(story: Story, n: number): Promise<Acted> {
  const event = story.events[n % story.events.length];
  if (!event) return [undefined, () => {}];
  return [
    await story.app.api.post(`/api/billing/usage/${event.id}/void`),
    () => {
      event.model.voided = true;
    },
  ];
}
