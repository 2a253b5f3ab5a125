// The rules of presence by name: a stable code and one sentence each. The code that makes a transition also names its rule, so that an
// explanation (explain.ts) does not state the rules a second time. The table in docs/rules.md is the same.

export const RULES = {
  // Events of a device, of all devices, and observations
  opened: 'A connection begins.',
  'opened-again': 'A new connection begins: the one before has ended.',
  'opened-after-loss':
    'A new connection begins: the gap since the loss is longer than the grace period, or the start before it is not known.',
  'opened-after-expiry': 'A new connection begins: the one before had expired when this was received.',
  resumed: 'The device is back within the grace period: the same connection goes on, with one more interruption.',
  'socket-added': 'One more socket of the same connection or, where a device has one socket only, a repeat.',
  'sighting-confirmed': 'The connect event of a connection that was known from an observation: no further socket.',
  lost: 'The device is lost: it is reconnecting until the grace period, counted from receipt, is over.',
  'lost-again': 'The device is lost again: its return was not received, and the grace period starts again.',
  'lost-without-connect': 'The device is lost, and nothing was known of it before: when it connected is not known.',
  'loss-confirmed': 'The device is lost at this time: until now it was only unseen.',
  'older-socket-closed':
    'The device stays connected, but doubtful: this is taken for the end of its older socket, as the newest one had just connected.',
  'operator-end-undone': 'The device is lost: this is later than what the operator knew, and undoes the end.',
  'already-expired':
    'The connection had already expired when this event was received, so the event has no other effect.',
  left: 'The device left: its connection ends.',
  'left-while-lost': 'The device left while it was lost: its connection ended at the time of the loss.',
  'left-without-connect': 'The device left, and nothing was known of it before: when it connected is not known.',
  'left-after-expiry': 'The device left: the end of the connection, which had expired, is known after all.',
  'left-after-operator-end': 'The device left: the cause changes, but what the operator ended stays ended.',
  'ended-by-operator': 'An operator ended the connection.',
  'leave-grace-cancelled': 'An operator ended the presence of a device that was already gone: no leave grace follows.',
  sighted: 'The provider lists the device, of which nothing was known: a connection is known from this time.',
  seen: 'The provider lists the device: a sign of life, which ends all doubt.',
  'seen-while-lost': 'The provider lists the device, so its return was not received: the connection goes on, doubtful.',
  'seen-after-end': 'The provider lists the device, so a connect was not received: a new connection, doubtful.',
  unseen: 'The provider does not list the device: it is lost, and reconnecting until the grace period is over.',
  'ignored-end-known': 'Ignored: the device was already lost or gone.',
  'ignored-not-connected': 'Ignored: nothing was known of the device at this time.',
  'ignored-other-device': 'Ignored: the loss of this device is known, so this may be that of another one.',
  'ignored-old-answer':
    'Ignored: the answer may be older than the end, which was received less than a grace period before.',
  // One device at a time
  superseded: 'A newer device connected, and the participant can have only one at a time: this device ends.',
  'superseded-while-lost': 'A newer device of the participant connected: this one, already lost, ended at its loss.',
  'superseded-in-doubt':
    'A newer device connected, but has ended since: this one is reconnecting while the provider is asked about it.',
  // Time
  'grace-over': 'The grace period is over: the device is gone since its loss.',
  expired: 'MAX_CONNECTION_MS passed without a sign of life: the connection has expired.',
  'leave-grace-over': 'The leave grace is over: the participant is gone since its last device left.',
  'device-forgotten': 'The retention period is over: the device is forgotten.',
  'participant-forgotten': 'The retention period is over: the participant is forgotten.',
  recomputed: 'Presence is computed again, because the policy or the rules are no longer those that led to it.',
  // The participant
  'device-connected': 'A participant is connected if one of its devices is.',
  'device-reconnecting':
    'A participant is reconnecting if no device is connected, and one is lost within its grace period.',
  'in-leave-grace': 'A participant whose last device left is reconnecting for the leave grace.',
  'all-devices-gone': 'A participant is gone with the device that ended last.',
  'no-device-known': 'A participant is gone if no event of a device is known.',
  announced:
    'A participant is expected if an operator has set its labels, and no event of a device or an end of all devices is known.',
  'announcement-withdrawn': 'A participant of whom no such event is known is gone if its labels were removed.',
  // Availability
  'availability-set': 'The availability changes.',
  'availability-repeated': 'The same availability again: it has lasted since the first of equal facts.',
  'availability-over': 'The end of this availability is reached: the newest one without an end counts again.',
  'availability-before-presence': 'Does not count: it is older than the current presence.',
  'availability-not-connected': 'Does not count: only a connected participant has an availability.',
} as const;

export type Rule = keyof typeof RULES;
