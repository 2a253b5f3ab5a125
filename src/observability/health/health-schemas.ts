// The response schemas of the health endpoints.
const STATUS = { type: 'string', enum: ['ok'], example: 'ok' };

export const LIVE_SCHEMA = { type: 'object', required: ['status'], properties: { status: STATUS } };

const COMPONENTS = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['status'],
    properties: {
      status: { type: 'string', enum: ['up', 'down'], example: 'up' },
      message: { type: 'string', example: 'cannot be reached or written to' },
    },
  },
};

const DETAILS = { store: { status: 'up' }, deadlines: { status: 'up' } };

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
