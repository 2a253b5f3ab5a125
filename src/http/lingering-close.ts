// Closes a connection whose client is still sending (RFC 9112, section 9.6). If it were closed immediately, the system would
// reset it and the client could lose the response before reading it. If it were read to the end, the client would decide what
// that costs. So the rest is discarded without being parsed, for a limited time and up to a limited size.
import type { Socket } from 'node:net';

const LINGER_MS = 1_000;
/** The body limit: a client that sends a whole body before it reads the response still receives it. */
const MAX_DISCARDED_BYTES = 64 * 1024;

/** Sends pending data, then FIN. The socket is destroyed when the client closes its side, or after 1 s. */
export function closeLingering(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  // Removes the HTTP parser's listener; the parser also stops reading the socket directly once another listener is added.
  socket.removeAllListeners('data');
  let discardedBytes = 0;
  socket.on('data', ({ length }: Buffer) => {
    discardedBytes += length;
    // Not destroyed yet: the client may still be reading the response.
    if (discardedBytes >= MAX_DISCARDED_BYTES) socket.pause();
  });
  // Without a listener, a connection reset by the client would crash the process.
  socket.on('error', () => socket.destroy());
  socket.end();
  socket.resume();
}
