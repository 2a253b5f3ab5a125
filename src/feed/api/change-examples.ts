// Example responses for the OpenAPI document.
import { DEVICE_ID_EXAMPLE, PARTICIPANT_ID_EXAMPLE, TAG_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';

export const NEXT_POSITION_EXAMPLE = '9f3ac21b77d0.1795434308237000';
export const RECEIVED_AT_EXAMPLE = '2026-11-23T09:30:00.231Z';

const CHANGE = {
  participantId: PARTICIPANT_ID_EXAMPLE,
  source: 'bandwidth',
  tag: TAG_EXAMPLE,
  state: 'connected',
  previousState: null,
  since: TIME_EXAMPLE,
  at: TIME_EXAMPLE,
  receivedAt: RECEIVED_AT_EXAMPLE,
  heardAt: RECEIVED_AT_EXAMPLE,
  version: 1795434306501,
};

const PARTICIPANT_CHANGE_EXAMPLE = {
  type: 'participant.connected',
  ...CHANGE,
  position: NEXT_POSITION_EXAMPLE,
};

export const CHANGES_EXAMPLE = {
  items: [
    {
      type: 'device.connected',
      ...CHANGE,
      deviceId: DEVICE_ID_EXAMPLE,
      connectedAt: TIME_EXAMPLE,
      interruptions: 0,
      position: `${NEXT_POSITION_EXAMPLE}.1`,
    },
    PARTICIPANT_CHANGE_EXAMPLE,
  ],
  position: NEXT_POSITION_EXAMPLE,
};

export const CHANGE_DATA_EXAMPLE = JSON.stringify(PARTICIPANT_CHANGE_EXAMPLE);

export const STREAM_EVENT_EXAMPLE = {
  id: NEXT_POSITION_EXAMPLE,
  event: 'participant.connected',
  data: CHANGE_DATA_EXAMPLE,
};
