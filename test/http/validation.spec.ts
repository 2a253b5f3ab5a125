import { describe, expect, it } from '@jest/globals';
import type { ArgumentMetadata } from '@nestjs/common';
import fc from 'fast-check';
import { ChangesQuery } from '../../src/feed/api/queries.js';
import { ProblemError } from '../../src/http/problem.js';
import { NoQuery } from '../../src/http/query-parameters.js';
import { DtoPipe } from '../../src/http/validation.js';
import { LookupRequest, ParticipantsQuery } from '../../src/presence/api/queries.js';

const DTOS = [ParticipantsQuery, ChangesQuery, LookupRequest, NoQuery];

const pipe = new DtoPipe();

function rejectionOf(members: unknown, metatype: ArgumentMetadata['metatype']): ProblemError['members'] {
  try {
    pipe.transform(members, { type: 'body', metatype });
  } catch (error) {
    if (error instanceof ProblemError) return error.members;
    throw error;
  }
  throw new Error('not rejected');
}

function unknownMembers(count: number, length = 8): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`${n}`.padEnd(length, 'x'), n]));
}

/** Counts how often the value of a member is read, which validating it requires. */
function countReads(members: Record<string, unknown>): { counted: object; reads: () => number } {
  let reads = 0;
  const get = (target: Record<string, unknown>, name: string | symbol) => {
    reads += 1;
    return target[String(name)];
  };
  return { counted: new Proxy<Record<string, unknown>>(members, { get }), reads: () => reads };
}

describe('unknown names', () => {
  it('are counted without reading their values, however many there are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...DTOS), fc.integer({ min: 1, max: 20_000 }), (dto, count) => {
        const { counted, reads } = countReads(unknownMembers(count));
        const { errors = [], detail } = rejectionOf(counted, dto);
        expect(reads()).toBeLessThan(20);
        expect(errors.filter(({ message }) => message === 'is not a known parameter')).toHaveLength(Math.min(5, count));
        if (count > 5) expect(detail).toContain(`; ${count - 5} more unknown names`);
        else expect(detail).not.toContain('more unknown names');
      }),
      { numRuns: 30 },
    );
  });

  it('do not make the response long, however long they are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 15_000 }), (count, length) => {
        expect(JSON.stringify(rejectionOf(unknownMembers(count, length), NoQuery)).length).toBeLessThan(1_500);
      }),
      { numRuns: 30 },
    );
  });

  it('are listed together with the errors of known names', () => {
    const { errors = [] } = rejectionOf({ limit: '0', ...unknownMembers(30) }, ParticipantsQuery);
    expect(errors.map(({ pointer }) => pointer)).toEqual([
      ...['0', '1', '2', '3', '4'].map((digit) => `#/${digit}xxxxxxx`),
      '#/limit',
    ]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('include %s', (name) => {
    const members = Object.defineProperty({}, name, { value: '1', enumerable: true });
    expect(rejectionOf(members, NoQuery).errors).toEqual([
      { pointer: `#/${name}`, message: 'is not a known parameter' },
    ]);
  });
});

describe('a body', () => {
  it.each([[[]], [7], ['text'], [true]])('of %p is rejected', (body) => {
    expect(rejectionOf(body, LookupRequest).errors).toEqual([{ pointer: '#', message: 'must be a JSON object' }]);
  });

  it.each([[null], [undefined]])('of %p is rejected for its missing members', (body) => {
    expect(rejectionOf(body, LookupRequest).errors).toMatchObject([{ pointer: '#/participantIds' }]);
  });
});
