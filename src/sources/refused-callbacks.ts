// The one place where callbacks that were refused or not understood are handed to the quarantine, however they came in.
import { Injectable } from '@nestjs/common';
import type { SourceName } from '../domain/subject.js';
import type { RefusalReason } from '../http/problem.js';
import type { RequestSpan } from '../observability/tracing/tracer.js';
import { Quarantine, type RefusedCallback } from '../quarantine/quarantine.js';
import { isQuarantineReason, type QuarantineReason } from '../quarantine/reasons.js';
import type { QuarantinedCallback } from '../storage/ports.js';
import type { TimedId } from '../storage/timed-id.js';
import type { CallbackCredentials } from './authentication/callback-authenticator.js';

type Grant = CallbackCredentials['grant'];

/** An authenticated callback. */
export interface ReceivedCallback {
  readonly source: SourceName;
  readonly contentType: string;
  readonly body: Buffer;
  readonly receivedAtMs: number;
  readonly requestId: string;
  /** Of the minted URL that it was sent to. */
  readonly grant?: Grant;
  /** undefined: traces are off, or the request has been answered. */
  readonly span?: RequestSpan | undefined;
}

@Injectable()
export class RefusedCallbacks {
  constructor(private readonly quarantine: Quarantine) {}

  /** Returns fields for the log line of the refusal: the id in the quarantine, if the callback is kept. */
  keep(callback: ReceivedCallback, reason: RefusalReason): { readonly quarantined?: string } {
    if (!isQuarantineReason(reason)) return {};
    const id = this.quarantine.keep(refusedCallback(callback, reason));
    return id === undefined ? {} : { quarantined: id };
  }

  /** As `Quarantine.keepDurably`. */
  keepDurably(
    refusals: readonly { readonly received: ReceivedCallback; readonly reason: QuarantineReason }[],
  ): Promise<readonly TimedId[] | 'off' | 'failed'> {
    return this.quarantine.keepDurably(refusals.map(({ received, reason }) => refusedCallback(received, reason)));
  }
}

function refusedCallback({ grant, span: _, ...callback }: ReceivedCallback, reason: QuarantineReason): RefusedCallback {
  return { ...callback, reason, ...(grant && { context: JSON.stringify(grant) }) };
}

/** The grant of a callback that was handed over here. */
export function grantOf({ context }: QuarantinedCallback): Grant {
  return context === undefined ? undefined : (JSON.parse(context) as Grant);
}
