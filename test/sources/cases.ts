// Recorded cases of a dialect: which of its callbacks are authentic, and what they mean.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RawCallback, Translation } from '../../src/sources/source.js';

export interface SignatureCase<Config> {
  readonly name: string;
  /** Our clock. */
  readonly now: number;
  readonly config: Config;
  readonly headers: Readonly<Record<string, string>>;
  /** The public URL; only of providers that sign it. */
  readonly url?: string;
  readonly rawBody: string;
  /** `handshake`: authentic, and answered with `reply`. */
  readonly expect: 'accept' | 'reject' | 'handshake';
  readonly reply?: { readonly status: number; readonly body: unknown };
  /** What the official SDKs say. Where they differ, the stricter verdict is expected. */
  readonly checkedBy: readonly { readonly sdk: string; readonly verdict: string }[];
}

export interface BodyCase {
  readonly name: string;
  readonly rawBody: string;
  readonly eventId?: string;
  /** The sequence number. */
  readonly seq?: number;
  /** Of an end of the room, which the expected outcome does not count as an event. */
  readonly roomEnded?: { readonly tag: string; readonly at: number };
  /** Below the callback URL. */
  readonly path?: string;
  readonly expect: {
    readonly outcome: Translation['outcome'] | 'handshake';
    readonly events?: readonly {
      readonly participantId?: string;
      readonly kind: 'connected' | 'disconnected' | 'left' | 'room-ended';
      readonly at: number;
      readonly tag?: string;
      /** Of a room. */
      readonly scope?: string;
    }[];
  };
}

export const signatureCases = <Config>(dialect: string) => read<SignatureCase<Config>>(join(dialect, 'signatures'));

/** `file`: relative to this folder, without extension. */
export const bodyCases = (file: string) => read<BodyCase>(file);

function read<T>(file: string): T[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${file}.json`), 'utf8')) as T[];
}

export function rawCallback({ headers, rawBody, url }: SignatureCase<unknown>): RawCallback {
  return { headers, body: Buffer.from(rawBody), url };
}

/** What a body means, in the words of the cases. One that cannot be parsed is refused before it is translated. */
export function meaningOf(
  rawBody: string,
  translate: (body: unknown) => Translation,
  parse: (text: string) => unknown = JSON.parse,
): Record<string, unknown> {
  let body: unknown;
  try {
    body = parse(rawBody);
  } catch {
    return { outcome: 'invalid' };
  }
  const translation = translate(body);
  if (translation.outcome !== 'events') return { outcome: translation.outcome };
  const events = translation.events.map((event) => {
    const { subject, deviceId, kind, occurredAtMs, tag } = event;
    const ofSubject = { participantId: subject?.participantId, deviceId, kind, at: occurredAtMs, ...(tag && { tag }) };
    return event.kind === 'room-ended' ? { kind, scope: event.scope, at: occurredAtMs } : ofSubject;
  });
  return { outcome: 'events', events };
}

/** The rows of the tables in a page of docs/sources/ with that many columns, by their first cell: `` | `name` | effect | ``. */
export function documentedEffects(page: string, columns: 2 | 3 = 2): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'sources', page), 'utf8');
  const between = columns === 2 ? '' : '[^|]+\\|';
  const rows = text.matchAll(new RegExp(`^\\| \`([^\`]+)\` \\|${between} (?!effect)([^|]+) \\|$`, 'gm'));
  return new Map(Array.from(rows, ([, name = '', effect = '']) => [name, effect]));
}
