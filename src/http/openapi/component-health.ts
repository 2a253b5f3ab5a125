/** The schema of the state of each component, in the responses of the readiness probe and in its problem. */
export const COMPONENTS = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    required: ['status'],
    properties: {
      status: { type: 'string', enum: ['up', 'down'], example: 'up' },
      message: { type: 'string', example: 'cannot be reached or written to' },
      events: {
        type: 'integer',
        example: 0,
        description:
          'Of `spool`: events that wait for the store. Of `forward`: callbacks that wait for the service in `FORWARD_TO`.',
      },
      oldestAgeMs: { type: 'integer', example: 0, description: 'Of `spool` and `forward`: the age of the oldest one.' },
      open: { type: 'integer', example: 0, description: 'Of `incidents`: those that are not acknowledged.' },
      entries: { type: 'integer', example: 0, description: 'Of `quarantine`: the callbacks that are kept.' },
      aheadMs: { type: 'integer', example: 3, description: 'Of `clock`: how far it is ahead of that of Redis.' },
    },
  },
};
