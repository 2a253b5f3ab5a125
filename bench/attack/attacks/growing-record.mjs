import { LEAKED, largeCallback } from '../large-callback.mjs';
import { post, repeat } from '../requests.mjs';

/** Callbacks that arrive together become one entry of the feed. */
const BURST = 128;

export const growingRecord = {
  name: 'growing-record',
  purpose: 'new device ids of 256 characters through a leaked minted URL, for more than FEED_MAX_BYTES',
  seconds: 10,
  run: ({ traffic, target, random }) =>
    repeat(traffic, {
      connections: BURST,
      perSecond: 10 * BURST,
      burst: BURST,
      request: (n) => post(target.mintedPath, largeCallback(LEAKED, `${n}-${random()}`)),
    }),
};
