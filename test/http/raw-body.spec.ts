import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import { BODY_LIMIT_BYTES } from '../../src/http/json-body.js';
import { readRawBody } from '../../src/http/raw-body.js';

/** The body, or the error, as often as it is given. */
async function read(chunks: readonly Buffer[], contentLength?: number): Promise<(Buffer | Error)[]> {
  const headers = contentLength === undefined ? {} : { 'content-length': String(contentLength) };
  const payload = Readable.from(chunks, { objectMode: false });
  const given: (Buffer | Error)[] = [];
  const closed = new Promise((resolve) => payload.once('close', resolve));
  readRawBody({ headers } as FastifyRequest, payload as never, (error, body) => {
    given.push(error ?? (body as Buffer));
  });
  payload.resume();
  await closed;
  return given;
}

describe('the raw body', () => {
  it('is all that was sent, once, in whatever chunks it arrives', async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.boolean(), async (parts, isChunked) => {
        const body = Buffer.concat(parts);
        const given = await read(
          parts.map((part) => Buffer.from(part)),
          isChunked ? undefined : body.length,
        );
        expect(given).toEqual([body]);
      }),
    );
  });

  it.each([
    ['that says so', [Buffer.alloc(10)], BODY_LIMIT_BYTES + 1],
    ['in one chunk', [Buffer.alloc(BODY_LIMIT_BYTES + 1)], undefined],
    ['in several chunks', [Buffer.alloc(BODY_LIMIT_BYTES), Buffer.alloc(1), Buffer.alloc(1)], undefined],
  ])('that is too large is refused once: one %s', async (_, chunks, contentLength) => {
    const given = await read(chunks, contentLength);
    expect(given).toMatchObject([{ problem: 'payload-too-large' }]);
  });

  it('that is empty is an empty buffer', async () => {
    expect(await read([], undefined)).toEqual([Buffer.alloc(0)]);
  });
});
