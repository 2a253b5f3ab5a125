// Amazon SNS signs the messages of all topics of a region with one key, which is in a certificate that each message names. So the
// topic must be one that is configured, and the certificate must be that of SNS.
import type { KeyObject } from 'node:crypto';
import { isRsaSigned, publicKeysIn } from '../authentication/rsa-signature.js';
import { isSignatureInTime } from '../authentication/signature.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';
import { rfc3339TimeMs } from '../timestamp.js';
import type { SnsCertificates } from './sns-certificates.js';
import { isCertificateUrl, readSnsMessage, TOPIC_ARN } from './sns-message.js';

/** SNS sends a message again for up to an hour, with the time at which it was published. */
const MAX_AGE_MS = 2 * 3_600_000;

const RAW_DELIVERY = 'The message has no signature: turn off raw message delivery for the subscription.';

interface SnsSettings {
  readonly topicArns: ReadonlySet<string>;
  readonly certificates: SnsCertificates;
}

export async function authenticateSns(
  { topicArns, certificates }: SnsSettings,
  { headers, body }: RawCallback,
  nowMs: number,
): Promise<Authentication> {
  const message = readSnsMessage(body);
  if (message === 'unsigned') {
    const detail = headers['x-amz-sns-rawdelivery'] === undefined ? {} : { detail: RAW_DELIVERY };
    return { outcome: 'rejected', reason: 'no-credentials', ...detail };
  }
  if (message === 'malformed') return { outcome: 'rejected', reason: 'malformed-credentials' };
  // Before anything is fetched for the message.
  if (!topicArns.has(message.topicArn)) return { outcome: 'rejected', reason: 'unknown-topic' };
  if (!isCertificateUrl(message.certificateUrl, message.topicArn)) {
    return { outcome: 'rejected', reason: 'malformed-credentials' };
  }
  const publishedAtMs = rfc3339TimeMs(message.timestamp) ?? Number.NaN;
  if (!isSignatureInTime(publishedAtMs, nowMs, MAX_AGE_MS))
    return { outcome: 'rejected', reason: 'outdated-signature' };
  try {
    const keys = await certificates.keysOf(message.certificateUrl, nowMs);
    const isSigned = isRsaSigned(Buffer.from(message.text), message.signature, { keys, hash: message.hash });
    return isSigned ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
  } catch (error) {
    return { outcome: 'unavailable', error: error as Error };
  }
}

export const topicArns: DialectSetting<ReadonlySet<string>> = {
  name: 'SOURCE_<NAME>_TOPIC_ARNS',
  purpose: 'Comma-separated ARNs of the SNS topics whose messages are accepted.',
  read(text) {
    const arns = text.split(',').map((arn) => arn.trim());
    if (arns.every((arn) => TOPIC_ARN.test(arn))) return new Set(arns);
    throw new Error('must be a comma-separated list of ARNs of topics, like arn:aws:sns:us-east-1:111122223333:chime');
  },
};

/** `fetch`: Rollcall may send requests to SNS. */
export const certificates: DialectSetting<'fetch' | readonly KeyObject[]> = {
  name: 'SOURCE_<NAME>_CERTIFICATES',
  purpose:
    'The certificates with which SNS signs, in PEM, one after another. Or fetch: Rollcall gets them from SNS when it needs them, and confirms the subscription there.',
  read(text) {
    const keys = text === 'fetch' ? text : publicKeysIn(text);
    if (keys) return keys;
    throw new Error('must be fetch, or certificates with RSA keys of at least 2048 bits in PEM');
  },
};
