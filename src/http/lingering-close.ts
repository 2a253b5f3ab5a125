// Closing a connection whose client is still sending. Closed at once, the system resets it, and the client may lose the
// response before it has read it; read to the end, it costs whatever the client chooses to send. So the rest is discarded for
// a short time, a limited part of it is read, and nothing of it is parsed. (RFC 9112, section 9.6)
import type { Socket } from 'node:net';

const LINGER_MS = 1_000;
/** As much as a body may have: a client that sends one in full before it reads the response gets to read it. */
const MOST_DISCARDED_BYTES = 64 * 1024;

/** Sends what was written, then the end of the stream. The socket is destroyed when the client closes it, after 1 s at the latest. */
export function closeLingering(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  // The HTTP parser's; it no longer reads the socket itself once there is another listener.
  socket.removeAllListeners('data');
  let discardedBytes = 0;
  socket.on('data', ({ length }: Buffer) => {
    discardedBytes += length;
    // Not destroyed yet: the client has not read the response.
    if (discardedBytes >= MOST_DISCARDED_BYTES) socket.pause();
  });
  // Without a listener, a client that resets its connection would end the process.
  socket.on('error', () => socket.destroy());
  socket.end();
  socket.resume();
}
