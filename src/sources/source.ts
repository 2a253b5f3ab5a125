// The port of sources: what there is to know about one provider's callbacks. All that they have in common (routes, secrets,
// minted URLs, limits, the API document) is around it, once.
import type { IncomingHttpHeaders } from 'node:http';
import type { Type } from '@nestjs/common';
import type { LifecycleEvent } from '../domain/lifecycle-event.js';
import type { SourceName } from '../domain/subject.js';
import type { FieldError, RefusalReason } from '../http/problem.js';

/** A callback as it was received: signatures are over these bytes. */
export interface RawCallback {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

type Authentication =
  | { readonly outcome: 'authentic' }
  /** `reason`: for the log. The sender is not told. */
  | { readonly outcome: 'rejected'; readonly reason: RefusalReason };

export type Translation =
  /** `warnings`: what was not taken as it is, without the value. */
  | {
      readonly outcome: 'events';
      readonly events: readonly LifecycleEvent[];
      readonly warnings?: readonly string[];
    }
  /** It has nothing to do with presence. */
  | { readonly outcome: 'ignored' }
  /** The provider may add kinds of events; `name` is one that is not known. */
  | { readonly outcome: 'unknown'; readonly name: string }
  | { readonly outcome: 'invalid'; readonly errors: readonly FieldError[] };

/** What a provider wants to see before it sends callbacks to a URL. */
interface HandshakeReply {
  readonly status: number;
  readonly body?: unknown;
}

export interface Source {
  /**
   * Verifies what the provider signed, before anything else is done with the body. A source without it has the secret in its
   * URL, or Basic credentials, as its only proof.
   */
  authenticate?(callback: RawCallback, nowMs: number): Authentication;
  /** `body`: any JSON value. `receivedAtMs`: our clock. */
  translate(body: unknown, receivedAtMs: number): Translation;
  /** undefined: the body is no handshake. */
  handshake?(body: unknown): HandshakeReply | undefined;
}

/** A provider's format, which any number of sources can speak. */
export interface Dialect {
  /** For the API document: the provider's name, and the body that it sends. */
  readonly title: string;
  readonly payload: Type;
  /** Content types of callbacks whose body is JSON. */
  readonly contentTypes: readonly string[];
  create(name: SourceName): Source;
}
