import { hold } from '../requests.mjs';

export const connectionFlood = {
  name: 'connection-flood',
  purpose: 'more idle connections than MAX_CONNECTIONS; callbacks over open connections must still be accepted',
  /** Limiting the connections of one client is the task of a proxy. */
  keepsNewConnectionsOut: true,
  run: ({ traffic }) => hold(traffic, { connections: 450 }),
};
