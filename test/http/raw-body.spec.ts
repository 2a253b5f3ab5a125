import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import { BODY_LIMIT_BYTES } from '../../src/http/json-body.js';
import { readRawBody } from '../../src/http/raw-body.js';

/** Every result that the callback receives: a body or an error. */
async function read(chunks: readonly Buffer[], contentLength?: number): Promise<(Buffer | Error)[]> {
  const headers = contentLength === undefined ? {} : { 'content-length': String(contentLength) };
  const payload = Readable.from(chunks, { objectMode: false });
  const results: (Buffer | Error)[] = [];
  const closed = new Promise((resolve) => payload.once('close', resolve));
  readRawBody({ headers } as FastifyRequest, payload as never, (error, body) => {
    results.push(error ?? (body as Buffer));
  });
  payload.resume();
  await closed;
  return results;
}

describe('the raw body', () => {
  it('is read completely and reported once, in whatever chunks it arrives', async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.boolean(), async (parts, isChunked) => {
        const body = Buffer.concat(parts);
        const results = await read(
          parts.map((part) => Buffer.from(part)),
          isChunked ? undefined : body.length,
        );
        expect(results).toEqual([body]);
      }),
    );
  });

  it.each([
    ['declared by its Content-Length', [Buffer.alloc(10)], BODY_LIMIT_BYTES + 1],
    ['in one chunk', [Buffer.alloc(BODY_LIMIT_BYTES + 1)], undefined],
    ['in several chunks', [Buffer.alloc(BODY_LIMIT_BYTES), Buffer.alloc(1), Buffer.alloc(1)], undefined],
  ])('is rejected once if it is too large: %s', async (_, chunks, contentLength) => {
    const results = await read(chunks, contentLength);
    expect(results).toMatchObject([{ problem: 'payload-too-large' }]);
  });

  it('is an empty buffer if nothing is sent', async () => {
    expect(await read([], undefined)).toEqual([Buffer.alloc(0)]);
  });
});
