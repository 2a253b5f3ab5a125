// Fuzzing of signed callbacks: whatever is changed in a body or in the headers, the service does not fail, and a body that is not
// signed has no effect.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { lengthOf } from '../length.js';
import {
  environmentOf,
  PUBLIC_URL,
  SIGNED_DIALECTS,
  type SignedDialect,
  sentBody,
} from '../sources/signed-dialects.js';
import { exchange, mutated, seeded } from './mutations.js';
import { type Service, startService } from './service.js';

const COUNT = lengthOf(1_200, 12_000);
const SEED = 20_261_126;
const CONCURRENCY = 16;

const SECRET = 'a-secret-of-32-characters-or-more';

const MUTATIONS = ['signed body', 'headers', 'unsigned body'] as const;

interface MutatedCallback {
  readonly mutation: (typeof MUTATIONS)[number];
  readonly bytes: Buffer;
}

/** The id of the participant says whether the body that names it is signed. What is in an envelope has it changed instead of the headers. */
async function mutatedCallback(dialect: SignedDialect, number: number): Promise<MutatedCallback> {
  const { name, connect, leave, sign: signAt, contentType, envelope } = dialect;
  const random = seeded(SEED + number);
  const mutation = MUTATIONS[number % MUTATIONS.length] ?? 'headers';
  const isSigned = mutation !== 'unsigned body';
  const original = (random() < 0.5 ? connect : leave)(`${isSigned ? 'signed' : 'forged'}-${number}`);
  const path = `/callbacks/signed${DIALECTS[name]?.needsSecret ? `/${SECRET}` : ''}`;
  const sign = (text: string) => signAt(text, 1, path);
  // Of a form, the decoded fields are signed, and a change need not affect them.
  const isSignedAlike = async (text: string) => isDeepStrictEqual(await sign(text), await sign(original));
  let body = original;
  while (mutation !== 'headers' && (body === original || (await isSignedAlike(body)))) body = mutated(original, random);
  const headers = { 'content-type': contentType, ...(await sign(isSigned ? body : original)) };
  let lines = Object.entries(headers)
    .map(([key, value]) => `${key}: ${value}`)
    .join('\r\n');
  let sent = sentBody(dialect, body, headers);
  if (mutation === 'headers' && envelope) sent = mutated(sent, random);
  else if (mutation === 'headers') lines = mutated(lines, random);
  const start = [`POST ${path} HTTP/1.1`, 'host: x', 'connection: close'];
  const head = [...start, lines, `content-length: ${Buffer.byteLength(sent)}`].join('\r\n');
  return { mutation, bytes: Buffer.from(`${head}\r\n\r\n${sent}`) };
}

async function participantIds(service: Service): Promise<string[]> {
  const ids: string[] = [];
  let cursor = '';
  do {
    const { json } = await service.request(`/v1/participants?state=connected,gone&limit=1000${cursor}`);
    ids.push(...json.items.map(({ participantId }: { participantId: string }) => participantId));
    cursor = json.nextCursor === undefined ? '' : `&cursor=${json.nextCursor}`;
  } while (cursor !== '');
  return ids;
}

describe.each(SIGNED_DIALECTS.map((dialect) => [dialect.name, dialect] as const))(
  'mutated callbacks of %s',
  (_, dialect) => {
    it(`cause no 5xx, and have no effect unless they are signed (${COUNT} of them)`, async () => {
      const { sources } = readConfig(DIALECTS, environmentOf(dialect, { signed: 1 }));
      const timeouts = { requestMs: 1_000, stalledWriteMs: 1_000, checkMs: 100 };
      const service = await startService({
        sources,
        http: { timeouts },
        access: { publicUrl: PUBLIC_URL, callbackSecrets: [SECRET] },
      });
      const port = Number(new URL(service.url).port);
      const statuses = new Map<string, number>();
      let sent = 0;
      const sender = async () => {
        while (sent < COUNT) {
          sent += 1;
          const { mutation, bytes } = await mutatedCallback(dialect, sent);
          for (const status of await exchange(port, bytes)) {
            statuses.set(`${mutation} ${status}`, (statuses.get(`${mutation} ${status}`) ?? 0) + 1);
            const isExpected = mutation === 'unsigned body' ? status === 401 : status < 500;
            if (!isExpected)
              throw new Error(`${status} to ${JSON.stringify(bytes.toString('latin1').slice(0, 2_000))}`);
          }
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, sender));
      expect(statuses.get('unsigned body 401')).toBe(COUNT / MUTATIONS.length);
      const applied = dialect.acknowledgement ?? 204;
      for (const kind of [`signed body ${applied}`, 'signed body 400', `headers ${applied}`, 'headers 401']) {
        expect([kind, (statuses.get(kind) ?? 0) > COUNT / 1_000]).toEqual([kind, true]);
      }
      const ids = await participantIds(service);
      expect(ids.length).toBeGreaterThan(COUNT / 20);
      expect(ids.filter((id) => id.includes('forged'))).toEqual([]);
      expect(service.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
      await service.stop();
    }, 600_000);
  },
);
