/**
 * What a program does with the client that is generated from the API's document. Compiled by the test against the types of the
 * document as it is served, in `api.ts` beside it, and then run; in the editor `api.ts` is not there.
 */
import createClient from 'openapi-fetch';

import type { components, paths } from './api.ts';

type TurnEvent = components['schemas']['TurnEvent'];
type SessionEvent = components['schemas']['SessionEvent'];

/** By whether an optional field had to be given, or a field that is always there may be missing, this does not compile. */
export async function journey(baseUrl: string) {
  const anybody = createClient<paths>({ baseUrl });
  const opened = await anybody.POST('/sessions', { body: { amountSats: 1000 } });
  if (!opened.data) throw new Error(opened.error.code);
  const { session, key, invoice } = opened.data;

  const client = createClient<paths>({ baseUrl, headers: { 'X-Session-Key': key } });
  const path = { id: session.id };
  const tooEarly = await client.POST('/sessions/{id}/request', { params: { path }, body: { content: 'Hello' } });
  const code: components['schemas']['Problem']['code'] | undefined = tooEarly.error?.code;
  await anybody.POST('/dev/wallet/pay', { body: { bolt11: invoice.bolt11 } });

  const estimated = await client.POST('/sessions/{id}/estimate', { params: { path }, body: { content: 'Hello' } });
  const holdMsat: number | null | undefined = estimated.data?.holdMsat;

  const header = { 'idempotency-key': 'first' };
  const ask = () =>
    client.POST('/sessions/{id}/request', { params: { path, header }, body: { content: 'How do I brew coffee?' } });
  const asked = await ask();
  if (!asked.data) throw new Error(asked.error.detail);
  const content: string | undefined = asked.data.reply?.content;
  const again = await ask();
  const isReplayed: boolean = again.response.headers.get('idempotency-replayed') === 'true';

  const streamed = await client.POST('/sessions/{id}/request', {
    params: { path },
    body: { content: 'make it shorter', history: { maxMessages: 2 } },
    headers: { Accept: 'text/event-stream' },
    parseAs: 'text',
  });
  const events = String(streamed.data)
    .split('\n\n')
    .map((block) => /^event: (\w+)\ndata: (.*)$/.exec(block))
    .filter((match) => match !== null)
    .map(([, event, data]) => ({ event, data: JSON.parse(data ?? '') }) as TurnEvent);

  const watching = await client.GET('/sessions/{id}/events', { params: { path }, parseAs: 'stream' });
  const stream: ReadableStream<Uint8Array> | null | undefined = watching.data;
  await stream?.cancel();
  const kinds: readonly SessionEvent['event'][] = ['session', 'messages', 'error'];

  const first = await client.GET('/sessions/{id}/messages', { params: { path } });
  const page = await client.GET('/sessions/{id}/messages', { params: { path, query: { limit: 2, order: 'desc' } } });
  const ledger = await client.GET('/sessions/{id}/ledger', { params: { path, query: { limit: 2 } } });
  const topUp = await client.POST('/sessions/{id}/topup', { params: { path, header }, body: { amountSats: 20 } });
  const requestPath = { ...path, requestId: asked.data.request.id };
  const shown = await client.GET('/sessions/{id}/requests/{requestId}', { params: { path: requestPath } });
  const forgotten = await client.DELETE('/sessions/{id}/messages', { params: { path } });
  return {
    code,
    content,
    isReplayed,
    events: events.map(({ event }) => event),
    kinds,
    saidFirst: first.data?.messages.map((message) => message.role),
    isAffordable: typeof holdMsat === 'number' && estimated.data?.short === null,
    paidFor: ledger.data?.entries.map(({ kind, amountMsat, requestId }) => [kind, amountMsat < 0, typeof requestId]),
    newest: page.data?.messages.map((message) => message.role),
    topUpSats: topUp.data?.invoice.amountSats,
    state: shown.data?.request.state,
    forgotten: forgotten.response.status,
    simulated: (await anybody.GET('/config')).data?.simulated,
  };
}
