import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isRsaSigned, publicKeysIn } from '../../../src/sources/authentication/rsa-signature.js';

const PEM = { type: 'spki', format: 'pem' } as const;

const keyPair = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });
const first = keyPair();
const second = keyPair();
const pemOf = ({ publicKey }: typeof first) => String(publicKey.export(PEM));

describe('an RSA signature', () => {
  const data = Buffer.from('the body');
  const signed = (hash: string, { privateKey } = first) => sign(hash, data, privateKey).toString('base64');

  it('is one by any of the keys, over these bytes, with this hash', () => {
    const keys = [second.publicKey, first.publicKey];
    for (const hash of ['sha1', 'sha256'] as const) {
      expect(isRsaSigned(data, signed(hash), { keys, hash })).toBe(true);
      expect(isRsaSigned(Buffer.from('the bodY'), signed(hash), { keys, hash })).toBe(false);
      expect(isRsaSigned(data, signed(hash), { keys: [second.publicKey], hash })).toBe(false);
    }
    expect(isRsaSigned(data, signed('sha1'), { keys, hash: 'sha256' })).toBe(false);
    expect(isRsaSigned(data, signed('sha256'), { keys, hash: 'sha1' })).toBe(false);
  });

  it('is none of another length, or in another encoding', () => {
    const options = { keys: [first.publicKey], hash: 'sha256' } as const;
    const hex = sign('sha256', data, first.privateKey).toString('hex');
    for (const text of ['', 'x', '=', hex, signed('sha256').slice(4), `AAAA${signed('sha256')}`, 'é'.repeat(400)]) {
      expect([text, isRsaSigned(data, text, options)]).toEqual([text, false]);
    }
  });
});

describe('public keys in PEM', () => {
  it('are read one after another', () => {
    const both = publicKeysIn(` ${pemOf(first)}\n\n${pemOf(second)}`);
    expect(both?.map((key) => key.export(PEM))).toEqual([pemOf(first), pemOf(second)]);
    const ofJson = JSON.stringify(pemOf(first)).slice(1, -1);
    expect(publicKeysIn(ofJson)?.map((key) => key.export(PEM))).toEqual([pemOf(first)]);
  });

  it('are refused if there is anything else, or if they are weak', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey;
    const ofOtherKind = generateKeyPairSync('ed25519').publicKey;
    const secret = String(first.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const texts = [
      '',
      'hunter2',
      `${pemOf(first)},hunter2`,
      `${pemOf(first)}${secret}`,
      secret,
      pemOf(first).replace('MIIB', 'MIIC'),
      pemOf(first).replaceAll('PUBLIC KEY', 'CERTIFICATE'),
      String(weak.export(PEM)),
      pemOf(first) + String(ofOtherKind.export(PEM)),
    ];
    for (const text of texts) expect([text, publicKeysIn(text)]).toEqual([text, undefined]);
  });
});
