// The response schemas of the health endpoints.
import { COMPONENTS } from '../../http/openapi/component-health.js';

const STATUS = { type: 'string', enum: ['ok'], example: 'ok' };

export const LIVE_SCHEMA = { type: 'object', required: ['status'], properties: { status: STATUS } };

const DETAILS = {
  store: { status: 'up' },
  clock: { status: 'up', aheadMs: 3 },
  incidents: { status: 'up', open: 0 },
  quarantine: { status: 'up', entries: 0 },
  deadlines: { status: 'up' },
  spool: { status: 'up', events: 0, oldestAgeMs: 0 },
};

export const READY_EXAMPLE = { status: 'ok', info: DETAILS, error: {}, details: DETAILS };

export const READY_SCHEMA = {
  type: 'object',
  required: ['status'],
  properties: {
    status: STATUS,
    info: { ...COMPONENTS, description: 'The components that are up.' },
    error: { ...COMPONENTS, description: 'The components that are down: none.' },
    details: { ...COMPONENTS, description: 'All components.' },
  },
};
