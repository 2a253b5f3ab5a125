// The largest callback that is accepted.

/** Three bytes of UTF-8, one character of every limit. */
const WIDE = '語';

/** The participant of the leaked minted URL. */
export const LEAKED = 'leaked';

export function largeCallback(id, deviceId = id) {
  return {
    event: 'onConnect',
    timestamp: String(Date.now()),
    participantId: id.padEnd(256, WIDE),
    deviceId: deviceId.padEnd(256, WIDE),
    tag: WIDE.repeat(1_024),
  };
}
