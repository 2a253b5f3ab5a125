// What a part of the feed says about tags. Somebody present proves that a tag was occupied at that moment; that it is empty can
// only be read from the counts of the store.
import type { Change } from '../../domain/change.js';

export interface TouchedTag {
  /** When the first change that shows somebody present was received; undefined: none does. */
  readonly presentAtMs?: number | undefined;
  /** Whether somebody has left it after the last change that shows somebody present. */
  readonly mayBeEmpty: boolean;
}

/** By tag, in the order of the feed. */
export function touchedTags(changes: readonly Change[]): Map<string, TouchedTag> {
  const touched = new Map<string, TouchedTag>();
  const leave = (tag: string) => touched.set(tag, { ...touched.get(tag), mayBeEmpty: true });
  for (const change of changes) {
    // Those of a device come with one of its participant if that becomes present, or is gone.
    if (change.deviceId !== undefined) continue;
    const { tag, previousTag, state, receivedAtMs } = change;
    if (previousTag !== undefined) leave(previousTag);
    if (tag === undefined) continue;
    if (state === 'gone') leave(tag);
    else touched.set(tag, { presentAtMs: touched.get(tag)?.presentAtMs ?? receivedAtMs, mayBeEmpty: false });
  }
  return touched;
}

/** The tags that somebody who was not there before has come to. */
export function enteredTags(changes: readonly Change[]): string[] {
  return changes.flatMap(({ deviceId, tag, previousTag, state, previousState }) => {
    if (deviceId !== undefined || tag === undefined || state === 'gone') return [];
    const isNew = previousTag !== undefined || previousState === null || previousState === 'gone';
    return isNew ? [tag] : [];
  });
}
