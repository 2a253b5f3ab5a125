// The port that each source implements: only what is specific to one provider's callbacks. Everything generic (routes, secrets,
// minted URLs, limits, the API document) exists once, around it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Type } from '@nestjs/common';
import type {
  AvailabilityEvent,
  DeviceEnd,
  LifecycleEvent,
  ParticipantEnd,
  ProviderAvailabilityKind,
  ProviderEventKind,
  RoomEnd,
} from '../domain/lifecycle-event.js';
import type { PresencePolicy } from '../domain/policy.js';
import type { SourceName } from '../domain/subject.js';
import type { FieldError, RefusalReason } from '../http/problem.js';
import type { Observer } from './observer.js';

/** A callback as it was received: signatures cover these bytes. */
export interface RawCallback {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The URL that the provider sent it to, with the query string; undefined if PUBLIC_URL is not set. */
  readonly url: string | undefined;
}

export type Authentication =
  | { readonly outcome: 'authentic' }
  /** `reason`: only for the log. `detail`: for the sender and the log, if it helps without giving anything away. */
  | { readonly outcome: 'rejected'; readonly reason: RefusalReason; readonly detail?: string }
  /** It cannot be verified now, because the provider cannot be asked: the callback is answered 503. */
  | { readonly outcome: 'unavailable'; readonly error: Error };

/** What a callback reports. For an end, use the most specific kind that the callback allows, ideally one device of a named participant. */
export type ProviderEvent =
  | (LifecycleEvent & { readonly kind: ProviderEventKind })
  | ParticipantEnd
  | (AvailabilityEvent & { readonly kind: ProviderAvailabilityKind })
  | DeviceEnd
  | RoomEnd;

export type Translation =
  /** `warnings`: what had to be changed or dropped, without the value. */
  | {
      readonly outcome: 'events';
      readonly events: readonly ProviderEvent[];
      readonly warnings?: readonly string[];
    }
  /** The callback does not concern presence. */
  | { readonly outcome: 'ignored' }
  /** An event kind that is not known, since providers may add some. */
  | { readonly outcome: 'unknown'; readonly name: string }
  | { readonly outcome: 'invalid'; readonly errors: readonly FieldError[] };

export interface Reply {
  readonly status: number;
  /** Sent as JSON; undefined: no body. */
  readonly body?: unknown;
}

export interface Source {
  /**
   * Verifies the provider's signature before the body is used in any other way. Sources without it rely on a secret in the URL
   * or on Basic credentials. Must not throw, whatever the callback contains, and compares in constant time.
   */
  authenticate?(callback: RawCallback, nowMs: number): Authentication | Promise<Authentication>;
  /** `body`: any JSON value or, of a form, an object of strings. `receivedAtMs`: by our clock. */
  translate(body: unknown, receivedAtMs: number): Translation;
  /**
   * The reply to a provider that validates a URL before it sends callbacks there; undefined: the body is not such a request. It
   * has been authenticated: a reply computed with the secret for anyone who asks would give signatures away.
   */
  handshake?(body: unknown): Reply | undefined | Promise<Reply | undefined>;
  /** The provider's API; undefined: it says nothing about presence, or its settings are not set. */
  readonly observer?: Observer;
}

/** A setting that the sources of a dialect have, such as the provider's signing key. */
export interface DialectSetting<T = unknown> {
  /** `<NAME>` stands for the name of the source. */
  readonly name: `SOURCE_<NAME>_${string}`;
  readonly purpose: string;
  /** The default, as it would be written in the environment; undefined: without the setting, the service does not start. */
  readonly fallback?: string;
  /** Throws an error that says what is wrong, phrased to follow the name. It must not contain the value. */
  read(text: string): T;
}

type DialectSettings = Readonly<Record<string, DialectSetting>>;

/** A provider's format, which any number of sources can use. */
export interface Dialect {
  /** For the API document: the provider's name, and the body that it sends. */
  readonly title: string;
  readonly payload: Type;
  /** Content types of callbacks, without parameters. The body is a form if it has that content type, and otherwise JSON. */
  readonly contentTypes: readonly string[];
  /** For the API document: those content types whose body is an array of payloads. */
  readonly arrayContentTypes?: readonly string[];
  /**
   * What the provider appends to the callback URL, which is accepted as it is, too. At least two segments, since one alone would
   * be a token; none may end with another.
   */
  readonly paths?: readonly `/${string}/${string}`[];
  /** What the provider's events count as, by name. The page of the dialect in docs/sources/ lists the same. */
  readonly events?: ReadonlyMap<string, ProviderEvent['kind'] | 'ignored'>;
  /** Where the provider differs from the default policy. */
  readonly policy?: Partial<PresencePolicy>;
  readonly settings?: DialectSettings;
  /**
   * Whether callbacks must have a secret, in the URL or as Basic credentials, although they are signed: a provider that signs with
   * the same key for all its customers would otherwise let each of them send callbacks here.
   */
  readonly needsSecret?: true;
  /** The keys of those settings without which the source has no observer. */
  readonly observerNeeds?: readonly string[];
  /** Whether signatures cover the URL, so that PUBLIC_URL must be set. */
  readonly signsUrl?: true;
  /** The response to each callback that is accepted, also if its event is ignored or not known. Default: 204, or 202. */
  readonly acknowledgement?: Reply;
  /** Whether the provider may have to be asked about a callback, by a request to it. If it cannot be, the callback is answered 503. */
  readonly asksAboutCallbacks?: true;
  /** Whether there are events of the kind `room-ended`. Then all others have a scope. */
  readonly endsRooms?: true;
  /** Whether there are events of the kinds `device-disconnected` and `device-left`. */
  readonly endsDevices?: true;
  create(name: SourceName, settings: Readonly<Record<string, unknown>>): Source;
}

/** Gives `create` the types of its settings. */
export function dialectWithSettings<S extends DialectSettings>(
  dialect: Omit<Dialect, 'settings' | 'observerNeeds' | 'create'> & {
    readonly settings: S;
    readonly observerNeeds?: readonly (keyof S & string)[];
    create(name: SourceName, settings: { readonly [K in keyof S]: ReturnType<S[K]['read']> }): Source;
  },
): Dialect {
  return dialect;
}
