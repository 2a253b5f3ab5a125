// What is sent is verified by the official packages for receivers.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { Webhook as SvixWebhook } from 'svix';
import { isSecret, newSecret, signatureHeaders } from '../../src/webhooks/sending/signature.js';
import { codePoint } from '../unicode-text.js';

const now = () => Math.floor(Date.now() / 1_000);

describe('signatures', () => {
  it('are those of the specification', () => {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1_614_265_330, body: '{"test": 2432232314}' };
    expect(signatureHeaders(message, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('are verified by the official packages, with the old and the new secret, and refused for another body', () => {
    fc.assert(
      fc.property(fc.string({ unit: codePoint }), fc.stringMatching(/^[\w-]{1,40}$/), (text, id) => {
        const [newest, old] = [newSecret(), newSecret()];
        const body = JSON.stringify({ text });
        const headers = signatureHeaders({ id, timestampS: now(), body }, [newest, old]);
        for (const secret of [newest, old]) {
          expect(new Webhook(secret).verify(body, headers)).toEqual({ text });
          expect(new SvixWebhook(secret).verify(body, headers)).toEqual({ text });
          expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
          expect(() => new SvixWebhook(secret).verify(`${body} `, headers)).toThrow();
        }
        expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
        expect(() => new Webhook(newest).verify(body, { ...headers, 'webhook-id': `${id}x` })).toThrow();
      }),
    );
  });

  it('need a secret of 24 to 64 bytes', () => {
    expect(isSecret(newSecret())).toBe(true);
    expect(isSecret(`whsec_${Buffer.alloc(24).toString('base64')}`)).toBe(true);
    expect(isSecret(`whsec_${Buffer.alloc(64).toString('base64')}`)).toBe(true);
    for (const text of [
      `whsec_${Buffer.alloc(23).toString('base64')}`,
      `whsec_${Buffer.alloc(65).toString('base64')}`,
      Buffer.alloc(32).toString('base64'),
      'whsec_not base64 at all, but long enough for that',
      '',
      undefined,
      5,
    ]) {
      expect(isSecret(text)).toBe(false);
    }
  });
});
