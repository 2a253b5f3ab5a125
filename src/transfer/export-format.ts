// The lines of an export: JSON Lines, described in docs/moving.md. The first is the header, the last says that the export is complete.
// Nothing in the lines between depends on the kind of store, so the export of a copy has the same ones.

import type { ParticipantRecord } from '../domain/participant.js';
import type { Subject } from '../domain/subject.js';
import { isTimeMs } from '../runtime/rfc3339.js';
import { isEnd, targetOf } from '../storage/encoding/end-codec.js';
import { decodeRecord } from '../storage/encoding/record-codec.js';
import { isSubjectKey, keyOf, type SubjectKey, subjectOf } from '../storage/encoding/subject-key.js';
import { type FeedPosition, formatPosition, parsePosition } from '../storage/feed-position.js';
import type { Binding, KeptEnd, StoredRecord } from '../storage/ports.js';

/** A later version must also read this format. That of the records is their own: see record-codec.ts. */
const FORMAT = 1;
const MAX_REF_LENGTH = 2_048;
const SETTING_ID = /^[\w-]{1,100}$/;

export interface Header {
  /** The store, for humans. */
  readonly from: string;
  /** The end of its feed when the export began. */
  readonly position: FeedPosition;
}

export interface ParticipantLine {
  readonly kind: 'participant';
  readonly key: SubjectKey;
  readonly text: StoredRecord;
  readonly record: ParticipantRecord;
  /** The participant changed during the export, so an earlier line may have an older record of it. */
  readonly isRepeated: boolean;
}

export interface BindingLine extends Binding {
  readonly kind: 'binding';
}

/** The end of a room, or of a device whose participant is not named. */
export interface EndLine extends KeptEnd {
  readonly kind: 'kept-end';
}

/** An endpoint of webhooks, or another setting about them. */
export interface SettingLine {
  readonly kind: 'setting';
  readonly id: string;
  readonly members: Readonly<Record<string, unknown>>;
}

export type ExportLine =
  | ParticipantLine
  | BindingLine
  | EndLine
  | SettingLine
  /** `lines`: the number of lines before it. */
  | { readonly kind: 'end'; readonly lines: number };

export function headerLine({ from, position }: Header, version: string): string {
  return `${JSON.stringify({ rollcall: 'export', format: FORMAT, version, from, position: formatPosition(position) })}\n`;
}

export function participantLine(key: SubjectKey, text: StoredRecord, isRepeated = false): string {
  return `{"participant":${JSON.stringify(withoutEmptyScope(key))},"record":${text}${isRepeated ? ',"again":true' : ''}}\n`;
}

export function bindingLine({ ref, key, untilMs }: Binding): string {
  return `${JSON.stringify({ binding: ref, participant: withoutEmptyScope(key), untilMs })}\n`;
}

export function keptEndLine({ text, receivedAtMs, untilMs }: KeptEnd): string {
  return `{"ended":${text},"receivedAtMs":${receivedAtMs},"untilMs":${untilMs}}\n`;
}

export function settingLine(id: string, members: SettingLine['members']): string {
  return `${JSON.stringify({ webhooks: id, setting: members })}\n`;
}

export function endLine(lines: number): string {
  return `${JSON.stringify({ end: true, lines })}\n`;
}

/** Throws an error that says what is wrong, without quoting the text. */
export function parseHeader(text: string): Header {
  const { rollcall, format, from, position: positionText } = membersOf(text, 'this is not an export of Rollcall');
  if (rollcall !== 'export' || typeof format !== 'number') throw new Error('this is not an export of Rollcall');
  if (format > FORMAT) throw new Error('this export was written by a newer version of Rollcall');
  const position = typeof positionText === 'string' ? parsePosition(positionText) : undefined;
  if (typeof from !== 'string' || !position) throw new Error('the header is broken');
  return { from, position };
}

/** Throws like `parseHeader`. */
export function parseLine(text: string): ExportLine {
  const members = membersOf(text, 'this is not valid JSON');
  if (members.record !== undefined) return toParticipant(members);
  if (members.binding !== undefined) return toBinding(members);
  if (members.ended !== undefined) return toKeptEnd(members);
  if (members.webhooks !== undefined) return toSetting(members);
  if (members.end === true && Number.isSafeInteger(members.lines)) return { kind: 'end', lines: Number(members.lines) };
  if (members.rollcall !== undefined) throw new Error('a second export begins here');
  throw new Error('this is not a line of an export of Rollcall');
}

function toParticipant({ participant, record: values, again }: Record<string, unknown>): ParticipantLine {
  const key = toKey(participant);
  const text = JSON.stringify(values);
  return { kind: 'participant', key, text, record: decodeRecord(key, text), isRepeated: again === true };
}

function toBinding({ binding: ref, participant, untilMs }: Record<string, unknown>): BindingLine {
  const isRef = typeof ref === 'string' && ref !== '' && ref.length <= MAX_REF_LENGTH;
  if (!isRef || typeof untilMs !== 'number' || !isTimeMs(untilMs)) throw new Error('a binding is broken');
  return { kind: 'binding', ref, key: toKey(participant), untilMs };
}

function toKeptEnd({ ended, receivedAtMs, untilMs }: Record<string, unknown>): EndLine {
  if (!isEnd(ended) || !isTimeMs(receivedAtMs) || !isTimeMs(untilMs)) throw new Error('an end is broken');
  return { kind: 'kept-end', target: targetOf(ended), text: JSON.stringify(ended), receivedAtMs, untilMs };
}

function toSetting({ webhooks: id, setting }: Record<string, unknown>): SettingLine {
  const members = Object(setting) as SettingLine['members'];
  const isId = typeof id === 'string' && SETTING_ID.test(id);
  if (!isId || typeof members.format !== 'number') throw new Error('a setting of webhooks is broken');
  return { kind: 'setting', id, members };
}

function toKey(value: unknown): SubjectKey {
  const { source, scope = '', participantId } = Object(value) as Record<string, unknown>;
  const key = keyOf({ source, scope, participantId } as unknown as Subject);
  const areTexts = [source, scope, participantId].every((part) => typeof part === 'string');
  if (!areTexts || source === '' || !isSubjectKey(key)) throw new Error('the participant is not valid');
  return key;
}

function withoutEmptyScope(key: SubjectKey): Partial<Subject> {
  const { source, scope, participantId } = subjectOf(key);
  return scope === '' ? { source, participantId } : { source, scope, participantId };
}

function membersOf(text: string, fault: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    // Dropped, because its message quotes the text.
  }
  throw new Error(fault);
}
