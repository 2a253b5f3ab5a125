// The messages that Amazon SNS posts to a URL: what their signature covers, and which URLs in them can be those of SNS.
// Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
import { shapeFault } from '../../http/json-body.js';
import { isJsonObject, type Members, parsedJson } from '../json-callback.js';

export interface SnsMessage {
  readonly topicArn: string;
  /** As it is. */
  readonly timestamp: string;
  readonly signature: string;
  readonly certificateUrl: string;
  readonly hash: 'sha1' | 'sha256';
  /** What is signed. */
  readonly text: string;
}

const CONFIRMATION = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

/** The members that are signed, in this order, by the type of the message. */
const SIGNED_MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['Notification', ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']],
  ['SubscriptionConfirmation', CONFIRMATION],
  ['UnsubscribeConfirmation', CONFIRMATION],
]);

const HASHES: ReadonlyMap<unknown, SnsMessage['hash']> = new Map([
  ['1', 'sha1'],
  ['2', 'sha256'],
]);

/** FIFO topics cannot post to a URL. */
export const TOPIC_ARN = /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):\d{12}:[\w-]{1,256}$/;

const CERTIFICATE_PATH = /^\/[\w-]{1,128}\.pem$/;
const CONFIRMATION_PATH = /^\/\?[\x21-\x7e]{1,2048}$/;

/** `unsigned`: it has no signature. `malformed`: it is not a message whose signature could be verified. */
export function readSnsMessage(body: Buffer): SnsMessage | 'unsigned' | 'malformed' {
  const text = body.toString();
  // Nobody has authenticated this message yet, and parsing takes long if there are very many values.
  if (shapeFault(text) !== undefined) return 'malformed';
  const message = parsedJson(text);
  if (!isJsonObject(message)) return 'malformed';
  if (message.Signature === undefined) return 'unsigned';
  const members = SIGNED_MEMBERS.get(message.Type)?.filter((name) => name !== 'Subject' || isSet(message.Subject));
  const hash = HASHES.get(message.SignatureVersion);
  if (!members || !hash || !hasTexts(message, [...members, 'Signature', 'SigningCertURL'])) return 'malformed';
  return {
    topicArn: message.TopicArn,
    timestamp: message.Timestamp,
    signature: message.Signature,
    certificateUrl: message.SigningCertURL,
    hash,
    text: members.map((name) => `${name}\n${message[name]}\n`).join(''),
  };
}

type Texts = Readonly<Record<string, string>> & {
  readonly [K in 'TopicArn' | 'Timestamp' | 'Signature' | 'SigningCertURL']: string;
};

function hasTexts(message: Members, names: readonly string[]): message is Texts {
  return names.every((name) => typeof message[name] === 'string');
}

export function isCertificateUrl(url: string, topicArn: string): boolean {
  return hasOrigin(url, topicArn, CERTIFICATE_PATH);
}

export function isConfirmationUrl(url: string, topicArn: string): boolean {
  return hasOrigin(url, topicArn, CONFIRMATION_PATH);
}

/**
 * Only the host of the region that has the topic. A pattern for any region would also match hosts of other services, such as that of
 * a bucket of S3 that somebody has named `sns`.
 */
function hasOrigin(url: string, topicArn: string, rest: RegExp): boolean {
  const [, partition, region] = TOPIC_ARN.exec(topicArn) ?? [];
  if (region === undefined) return false;
  const origin = `https://sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
  return url.startsWith(origin) && rest.test(url.slice(origin.length));
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
