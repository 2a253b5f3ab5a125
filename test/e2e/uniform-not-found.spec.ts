// Every invalid path below /callbacks/ gets the same response, which echoes nothing of the request.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { dialRaw } from './raw-connection.js';
import { type Service, startService } from './service.js';

const SECRET = 'the-one-live-secret-of-at-least-32-characters';
const WRONG = 'a-wrong-secret-that-no-response-may-reveal--';

/** Spellings of a path segment, most of them malicious. */
const words = (word: string) =>
  fc.constantFrom(
    word,
    word.toUpperCase(),
    `%${word.charCodeAt(0).toString(16)}${word.slice(1)}`,
    word.replace('a', '%61'),
  );
const separators = fc.constantFrom('/', '//', '/./', '/../', '%2F', '%2f', '/%2e%2e/', '\\');
const tails = fc.constantFrom(
  WRONG,
  `${WRONG}/`,
  `/${WRONG}`,
  `${WRONG};v=1`,
  `${WRONG}%zz`,
  `%zz${WRONG}`,
  `${WRONG}%`,
  `%ff${WRONG}`,
  `%00${WRONG}`,
  `%c0%ae${WRONG}`,
  `${WRONG}?a=%zz`,
  WRONG.repeat(120),
  `${WRONG}%25zz`,
  `${SECRET}/`,
  `${SECRET}%zz`,
  `${SECRET}.`,
  `${SECRET}%2f`,
  SECRET.toUpperCase(),
  `../${SECRET}`,
  `%${SECRET}`,
);
const bodies = fc.constantFrom(
  '',
  'content-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  'content-length: 1\r\n\r\n{',
  'content-type: ;;;\r\ncontent-length: 2\r\n\r\n{}',
  'content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
);

describe('an invalid path below /callbacks/', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ access: { callbackSecrets: [SECRET] } });
  });
  afterAll(() => service.stop());

  /** The response without the parts that differ each time. */
  async function answerTo(request: string): Promise<string> {
    const { socket, received } = await dialRaw(service.url, request);
    await eventually(() => expect(received()).toContain('"instance":"'));
    socket.destroy();
    return received()
      .replace(/urn:rollcall:request:[\da-f-]+/, '')
      .replace(/date: [^\r]+/i, '')
      .toLowerCase();
  }
  const requestFor = (method: string, path: string, rest: string) =>
    `${method} ${path} HTTP/1.1\r\nhost: localhost\r\n${rest || '\r\n'}`;

  it('gets the same response as a wrong secret, however it is spelled and whatever is sent', async () => {
    const expected = await answerTo(requestFor('POST', `/callbacks/bandwidth/${WRONG}`, ''));
    expect(expected).toMatch(/^http\/1\.1 404 .*content-security-policy/s);
    const paths = fc
      .tuple(
        words('callbacks'),
        separators,
        fc.oneof(words('bandwidth'), fc.constantFrom('acme', '')),
        separators,
        tails,
      )
      .map((parts) => `/${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('POST', 'GET', 'PUT'), paths, bodies, async (method, path, rest) => {
        expect([path, await answerTo(requestFor(method, path, rest))]).toEqual([path, expected]);
      }),
      { numRuns: lengthOf(150, 2_000) },
    );
  });

  it('is not echoed in the response, nor is any other malformed path', async () => {
    for (const path of [
      `/v1/participants/%zz${WRONG}`,
      `/%2563allbacks/%zz${WRONG}`,
      `/v1/participants/${WRONG.repeat(120)}`,
    ]) {
      expect(await answerTo(requestFor('GET', path, ''))).not.toContain(WRONG.slice(0, 20));
    }
  });
});
