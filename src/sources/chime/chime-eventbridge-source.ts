// Amazon Chime SDK meetings through an API destination of Amazon EventBridge, which posts events as they are. It signs nothing, but sends
// credentials in a header.
import { authenticateFixedHeader, callbackHeader } from '../authentication/fixed-header.js';
import { dialectWithSettings } from '../source.js';
import { ChimeEvent } from './chime-callback.js';
import { CHIME, translateChimeEvent } from './chime-event.js';

export const chimeEventBridge = dialectWithSettings({
  ...CHIME,
  title: 'Amazon Chime',
  payload: ChimeEvent,
  contentTypes: ['application/json'],
  settings: { callbackHeader },
  create: (source, { callbackHeader: header }) => ({
    ...(header && { authenticate: (callback) => authenticateFixedHeader(header, callback) }),
    translate: (body, receivedAtMs) => translateChimeEvent(source, body, receivedAtMs),
  }),
});
