// The largest callback that is accepted.

/** Three bytes in UTF-8, but one character for every limit. */
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
