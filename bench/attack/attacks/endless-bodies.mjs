import { bearer, head, hold } from '../requests.mjs';
import { MAX_BYTES } from '../traffic.mjs';

const CONNECTIONS = 6;
/** More than the socket buffers of both sides. */
const MAX_READ_BYTES = 12_000_000;
const CHUNK = Buffer.alloc(65_536, ' ');

export const endlessBodies = {
  name: 'endless-bodies',
  purpose: 'endless bodies after a 404, 401 and 413',
  run: ({ traffic, target, durationMs, random, fault }) => {
    const chunks = (0.8 * MAX_BYTES) / CHUNK.length;
    const chunkEveryMs = (durationMs * CONNECTIONS) / chunks;
    const refused = [
      ['/callbacks/bandwidth/not-the-secret'],
      ['/v1/participants/lookup'],
      ['/v1/participants/lookup', bearer(target.readKey)],
    ];
    return hold(traffic, {
      connections: CONNECTIONS,
      reopenAfterMs: 100,
      use: async (socket) => {
        const [path, headers] = refused[Math.floor(random() * refused.length)];
        const length = random() < 0.5 ? { 'content-length': 99_999_999_999 } : { 'transfer-encoding': 'chunked' };
        const isChunked = 'transfer-encoding' in length;
        const chunk = isChunked ? Buffer.concat([Buffer.from('10000\r\n'), CHUNK, Buffer.from('\r\n')]) : CHUNK;
        await traffic.send(socket, head(path, { ...length, ...headers }));
        while (await traffic.send(socket, chunk)) {
          if (socket.bytesWritten > MAX_READ_BYTES) fault('the body of a rejected request is read without limit');
          await traffic.wait(chunkEveryMs);
        }
      },
    });
  },
};
