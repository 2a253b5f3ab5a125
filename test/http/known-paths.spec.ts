import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import fastify from 'fastify';
import { KnownPaths } from '../../src/http/known-paths.js';
import { withRouteOptions } from '../../src/http/route-options.js';

describe('the path of an unknown URL', () => {
  const paths = new KnownPaths();
  beforeAll(() => {
    const http = fastify();
    paths.watch(http);
    const callback = { config: withRouteOptions({ access: 'callback' }) };
    const read = { config: withRouteOptions({ access: 'read' }) };
    const sources = [
      'bandwidth',
      'bandwidth/:token',
      'jitsi',
      'jitsi/:token',
      'jitsi/events/left',
      'jitsi/:token/events/left',
    ];
    for (const source of sources) http.post(`/callbacks/${source}`, callback, async () => {});
    for (const url of ['/v1/participants/:id', '/openapi.json']) http.get(url, read, async () => {});
  });

  const SECRET = 'a-secret-of-32-characters-or-more';

  it.each([
    ['/callbacks/bandwidth/', '/callbacks/bandwidth/'],
    ['/callbacks/bandwith', '/callbacks/bandwith'],
    [`/callbacks/bandwidth/${SECRET}/`, '/callbacks/bandwidth/…/'],
    ['/callbacks/bandwidth/x', '/callbacks/bandwidth/…'],
    ['/callbacks/bandwidth/x/y', '/callbacks/bandwidth/…/…'],
    [`/callbacks/bandwith/${SECRET}`, '/callbacks/bandwith/…'],
    [`/callbacks/${SECRET}`, '/callbacks/…'],
    ['/callbacks/bandwith/short', '/callbacks/bandwith/…'],
    [`/callback/bandwidth/${SECRET}`, '/callback/bandwidth/…'],
    [`/callbacks/jitsi/${SECRET}/events/let`, '/callbacks/jitsi/…/events/…'],
    [`/callbacks/jitsi/events/left/${SECRET}`, '/callbacks/jitsi/events/left/…'],
    ['/bandwidth/x', '/bandwidth/…'],
    [`/${SECRET}/callbacks/bandwidth`, '/…/callbacks/bandwidth'],
    ['/v1/participant/alice', '/v1/participant/…'],
    [`/v2/participants?tag=${SECRET}`, '/…/participants'],
    [`/nowhere#${SECRET}`, '/nowhere'],
    ['/%zz', '/…'],
    ['*', '…'],
    ['', ''],
  ])('%s is logged as %s', (url, logged) => {
    expect(paths.redact(url)).toBe(logged);
  });

  it('is logged in short form and without secrets, wherever they are and however they are mistyped', () => {
    const secret = fc.stringMatching(/^[\w-]{32,64}$/);
    const part = fc.constantFrom('callbacks', 'callback', 'bandwidth', 'v1', 'participants', '', 'x', '..');
    const mistyped = fc
      .tuple(secret, fc.nat(7), fc.nat(7), fc.constantFrom('', 'x', '.', '%', ' ', 'ü'))
      .map(([text, from, to, added]) => text.slice(from, text.length - to) + added);
    fc.assert(
      fc.property(fc.array(part), mistyped, fc.array(part), (before, text, after) => {
        const logged = paths.redact(`/${[...before, text, ...after].join('/')}`);
        expect(logged).not.toContain(text);
        expect(logged.length).toBeLessThan(160);
      }),
    );
    // Below a source, not even short words are logged.
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,16}$/), (word) => {
        fc.pre(!['callbacks', 'bandwidth', 'v1', 'participants'].includes(word));
        expect(paths.redact(`/callbacks/bandwidth/${word}/${word}`)).toBe('/callbacks/bandwidth/…/…');
      }),
    );
  });

  it('belongs to a callback if it contains a segment of a callback path', () => {
    for (const url of ['/callbacks/x', '/callback/bandwidth', `/base/callbacks/bandwidth/${SECRET}?a=1`]) {
      expect([url, paths.isCallback(url)]).toEqual([url, true]);
    }
    for (const url of ['/', '/v1/participants', '/nowhere?callbacks', '/v1/events/left']) {
      expect([url, paths.isCallback(url)]).toEqual([url, false]);
    }
    for (const url of ['/', `/callback/bandwith/${SECRET}`, '/webhooks']) {
      expect([url, paths.isCallbackRequest('POST', url)]).toEqual([url, true]);
      expect([url, paths.isCallbackRequest('GET', url)]).toEqual([url, false]);
    }
    expect(paths.isCallbackRequest('POST', '/v1/participants/looup')).toBe(false);
    expect(paths.sourceOf(`/callback/bandwidth/${SECRET}`)).toBe('bandwidth');
    expect(paths.sourceOf('/callbacks/bandwith')).toBeUndefined();
    expect(paths.sourceOf('/callbacks/jitsi/:token/events/left')).toBe('jitsi');
    expect(paths.sourceOf('/events/left')).toBeUndefined();
  });
});
