// Amazon Chime SDK meetings through Amazon SNS: EventBridge delivers the events to a topic, and SNS posts them here.
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html.
import type { SourceName } from '../../domain/subject.js';
import { providerUnavailableProblem } from '../../http/problem.js';
import { fieldErrors, isJsonObject, membersOf, NOT_AN_OBJECT, parsedJson } from '../json-callback.js';
import { dialectWithSettings, type Reply, type Translation } from '../source.js';
import { ChimeCallback } from './chime-callback.js';
import { CHIME, translateChimeEvent } from './chime-event.js';
import { authenticateSns, certificates, topicArns } from './sns-authentication.js';
import { ConfiguredCertificates, FetchedCertificates } from './sns-certificates.js';
import { isConfirmationUrl } from './sns-message.js';
import { getFromSns } from './sns-request.js';

export const chime = dialectWithSettings({
  ...CHIME,
  title: 'Amazon Chime',
  payload: ChimeCallback,
  contentTypes: ['text/plain'],
  settings: { topicArns, certificates },
  asksAboutCallbacks: true,
  create(source, { topicArns: arns, certificates: keys }) {
    const mayFetch = keys === 'fetch';
    const settings = {
      topicArns: arns,
      certificates: mayFetch ? new FetchedCertificates() : new ConfiguredCertificates(keys),
    };
    return {
      authenticate: (callback, nowMs) => authenticateSns(settings, callback, nowMs),
      handshake: async (body) => (mayFetch ? confirmSubscription(body) : undefined),
      translate: (body, receivedAtMs) => translateMessage(source, body, receivedAtMs),
    };
  },
});

async function confirmSubscription(body: unknown): Promise<Reply | undefined> {
  const { Type, TopicArn, SubscribeURL } = membersOf(body);
  if (Type !== 'SubscriptionConfirmation' || !isConfirmationUrl(String(SubscribeURL), String(TopicArn)))
    return undefined;
  try {
    await getFromSns(String(SubscribeURL));
  } catch (error) {
    throw providerUnavailableProblem(error);
  }
  return { status: 200 };
}

function translateMessage(source: SourceName, message: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(message)) return NOT_AN_OBJECT;
  const { Type, Message } = message;
  if (Type === 'UnsubscribeConfirmation') return { outcome: 'ignored' };
  // An operator finds it in the quarantine, with the token to confirm it.
  if (Type === 'SubscriptionConfirmation') return { outcome: 'unknown', name: Type };
  const event = typeof Message === 'string' ? parsedJson(Message) : undefined;
  if (event === undefined) {
    return { outcome: 'invalid', errors: fieldErrors({ Message: 'must be an event of EventBridge in JSON' }) };
  }
  const translation = translateChimeEvent(source, event, receivedAtMs);
  if (translation.outcome !== 'invalid') return translation;
  const errors = translation.errors.map(({ pointer, message: fault }) => {
    return { pointer: pointer.replace('#', '#/Message'), message: fault };
  });
  return { outcome: 'invalid', errors };
}
