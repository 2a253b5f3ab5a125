import { hold } from '../requests.mjs';

export const connectionFlood = {
  name: 'connection-flood',
  purpose: 'more idle connections than MAX_CONNECTIONS; callbacks over connections that are open must go on',
  /** A proxy in front is to limit the connections of one client. */
  keepsNewConnectionsOut: true,
  run: ({ traffic }) => hold(traffic, { connections: 450 }),
};
