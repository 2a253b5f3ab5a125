// Encodes the labels in a record by position, with times relative to the last event of the record.
import { type GivenLabels, type LabelSet, type Labels, labelsFault } from '../../domain/labels.js';
import { checkedInteger } from './field-codecs.js';

/** time, labels */
type EncodedSet = [number, Labels];
/** the sets of the source, of the minted URL and of the operator, 0 for none, trailing ones omitted; receivedAt − time, since − time */
export type EncodedLabels = [(EncodedSet | 0)?, (EncodedSet | 0)?, [...EncodedSet, number, number]?];

export function encodeGivenLabels({ source, minted, operator }: GivenLabels, baseMs: number): EncodedLabels {
  const setOf = ({ labels, occurredAtMs }: LabelSet): EncodedSet => [occurredAtMs - baseMs, labels];
  const text: EncodedLabels = [source ? setOf(source) : 0];
  if (minted || operator) text.push(minted ? setOf(minted) : 0);
  if (operator) {
    const { occurredAtMs, receivedAtMs, sinceMs } = operator;
    text.push([...setOf(operator), receivedAtMs - occurredAtMs, sinceMs - occurredAtMs]);
  }
  return text;
}

export function decodeGivenLabels([source = 0, minted = 0, operator]: EncodedLabels, baseMs: number): GivenLabels {
  const setOf = ([atMs, labels]: readonly [number, Labels, ...number[]]): LabelSet => {
    return { labels: checkedLabels(labels), occurredAtMs: checkedInteger(baseMs + atMs) };
  };
  const given: GivenLabels = {
    ...(source !== 0 && { source: setOf(source) }),
    ...(minted !== 0 && { minted: setOf(minted) }),
  };
  if (!operator) return given;
  const [atMs, , delayMs, sinceMs] = operator;
  const receivedAtMs = checkedInteger(baseMs + atMs + delayMs);
  return { ...given, operator: { ...setOf(operator), receivedAtMs, sinceMs: checkedInteger(baseMs + atMs + sinceMs) } };
}

export function areLabels(value: unknown): value is Labels {
  return labelsFault(value) === undefined;
}

function checkedLabels(value: unknown): Labels {
  if (areLabels(value)) return value;
  throw new Error('a record has labels that are not valid');
}
