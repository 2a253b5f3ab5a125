// The state of the page: who is present, what happened last, and how many there were. Changes may come by the hundred each second,
// so what is shown is renewed a few times a second.
import { signal } from '@preact/signals';
import type { Change } from '../api/types.js';
import { ActivityLog } from './activity-log.js';
import { connection, startTicking } from './connection.js';
import { PresenceFollower } from './follow.js';
import { watchHealth } from './health.js';
import { OccupancySamples } from './occupancy-samples.js';
import { PresenceList } from './presence-list.js';

const RENEW_MS = 200;

export const activity = new ActivityLog();
export const samples = new OccupancySamples();
/** The list is changed in place: another `revision` says that it was. */
export const shown = signal({ list: new PresenceList(), revision: 0 });
/** The changes of the last renewal. */
export const newChanges = signal<readonly Change[]>([]);

let list = new PresenceList();
let pending: Change[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** To be called when there is a key that will do. Returns how to stop, which also forgets everything. */
export function startLive(): () => void {
  const follower = new PresenceFollower({
    listed: (items) => {
      list = PresenceList.of(items);
      renew();
    },
    changed: (changes) => {
      for (const change of changes) list.apply(change);
      pending.push(...changes);
      timer ??= setTimeout(renew, RENEW_MS);
    },
  });
  const stopFollowing = follower.start();
  const stopWatching = watchHealth((reason) => follower.cut(reason));
  const stopTicking = startTicking();
  const stopSampling = samples.start(() => (connection.value.kind === 'live' ? list.size : undefined));
  const offline = () => follower.cut('This device is offline.');
  const online = () => follower.retry();
  addEventListener('offline', offline);
  addEventListener('online', online);
  return () => {
    for (const stop of [stopFollowing, stopWatching, stopTicking, stopSampling]) stop();
    removeEventListener('offline', offline);
    removeEventListener('online', online);
    list = new PresenceList();
    renew();
    newChanges.value = [];
    activity.clear();
    samples.clear();
  };
}

function renew(): void {
  clearTimeout(timer);
  timer = undefined;
  const changes = pending;
  pending = [];
  shown.value = { list, revision: shown.peek().revision + 1 };
  if (changes.length === 0) return;
  activity.add(changes);
  newChanges.value = changes;
}
