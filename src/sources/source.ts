// The port that each source implements: only what is specific to one provider's callbacks. Everything generic (routes, secrets,
// minted URLs, limits, the API document) exists once, around it.
import type { IncomingHttpHeaders } from 'node:http';
import type { Type } from '@nestjs/common';
import type { LifecycleEvent, ProviderEventKind } from '../domain/lifecycle-event.js';
import type { PresencePolicy } from '../domain/policy.js';
import type { SourceName } from '../domain/subject.js';
import type { FieldError, RefusalReason } from '../http/problem.js';

/** A callback as it was received: signatures cover these bytes. */
export interface RawCallback {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Authentication =
  | { readonly outcome: 'authentic' }
  /** `reason`: only for the log. */
  | { readonly outcome: 'rejected'; readonly reason: RefusalReason };

export type ProviderEvent = LifecycleEvent & { readonly kind: ProviderEventKind };

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

/** The reply to a provider that validates a URL before it sends callbacks there. */
interface HandshakeReply {
  readonly status: number;
  readonly body?: unknown;
}

export interface Source {
  /**
   * Verifies the provider's signature before the body is used in any other way. Sources without it rely on a secret in the URL
   * or on Basic credentials.
   */
  authenticate?(callback: RawCallback, nowMs: number): Authentication;
  /** `body`: any JSON value. `receivedAtMs`: by our clock. */
  translate(body: unknown, receivedAtMs: number): Translation;
  /** undefined: the body is not a handshake. */
  handshake?(body: unknown): HandshakeReply | undefined;
}

/** A provider's format, which any number of sources can use. */
export interface Dialect {
  /** For the API document: the provider's name, and the body that it sends. */
  readonly title: string;
  readonly payload: Type;
  /** Content types of callbacks whose body is JSON. */
  readonly contentTypes: readonly string[];
  /** Where the provider differs from the default policy. */
  readonly policy?: Partial<PresencePolicy>;
  create(name: SourceName): Source;
}
