import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { authenticateFixedHeader, callbackHeader } from '../../../src/sources/authentication/fixed-header.js';
import { codePoint } from '../../unicode-text.js';

const OLD = 'Bearer the-older-secret-of-32-characters';
const NEW = 'Bearer the-newer-secret-of-32-characters';

function authenticate(setting: string, headers: Readonly<Record<string, string>>) {
  const header = callbackHeader.read(setting);
  if (header === undefined) throw new Error('no header is set');
  return authenticateFixedHeader(header, { headers, body: Buffer.alloc(0), url: undefined });
}

describe('a secret in a fixed header', () => {
  it('is one of those that are set', () => {
    for (const authorization of [OLD, NEW]) {
      expect(authenticate(`Authorization: ${OLD},${NEW}`, { authorization })).toEqual({ outcome: 'authentic' });
    }
    const value = 'a'.repeat(32);
    expect(authenticate(`X-Rollcall-Secret:${value}`, { 'x-rollcall-secret': value })).toEqual({
      outcome: 'authentic',
    });
  });

  it('is in the header that is set, and complete', () => {
    const reasonOf = (headers: Readonly<Record<string, string>>) => authenticate(`authorization: ${OLD}`, headers);
    const none: readonly Readonly<Record<string, string>>[] = [{}, { authorization: '' }, { 'x-secret': OLD }];
    for (const headers of none) {
      expect(reasonOf(headers)).toEqual({ outcome: 'rejected', reason: 'no-credentials' });
    }
    for (const authorization of [
      NEW,
      OLD.slice(0, -1),
      `${OLD}s`,
      OLD.toLowerCase(),
      `${OLD},${NEW}`,
      `${OLD}, ${OLD}`,
    ]) {
      expect(reasonOf({ authorization })).toEqual({ outcome: 'rejected', reason: 'wrong-secret' });
    }
  });

  it('is not any other text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: codePoint }), (authorization) => {
        fc.pre(authorization !== OLD);
        expect(authenticate(`authorization: ${OLD}`, { authorization }).outcome).toBe('rejected');
      }),
    );
  });

  it('need not be set', () => {
    expect(callbackHeader.read(callbackHeader.fallback ?? 'none')).toBeUndefined();
  });

  it('is not set to anything that could not be sent, or guessed, and its value is in no error', () => {
    const short = 'hunter2-of-thirty-one-characters'.slice(0, 31);
    const invalid = [short, OLD, `: ${OLD}`, 'authorization:', `authorization: ${short}`, `authorization: ${OLD},`];
    const unsendable = [
      `a b: ${OLD}`,
      `authorization: ${OLD}é`,
      `authorization: ${OLD}\n${NEW}`,
      `${OLD}\nname: ${OLD}`,
    ];
    for (const text of [...invalid, ...unsendable, `authorization: ${OLD},${short}`, `name: ${'a'.repeat(1_025)}`]) {
      expect(() => callbackHeader.read(text)).toThrow(/^must be name: value, or name: value, value, …; each value of/);
    }
  });
});
