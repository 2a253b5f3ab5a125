// The one place where callbacks that were refused or not understood are handed to the quarantine, however they came in.
import { Injectable } from '@nestjs/common';
import type { SourceName } from '../domain/subject.js';
import type { RefusalReason } from '../http/problem.js';
import type { RequestSpan } from '../observability/tracing/tracer.js';
import { Quarantine } from '../quarantine/quarantine.js';
import { isQuarantineReason } from '../quarantine/reasons.js';
import type { QuarantinedCallback } from '../storage/ports.js';
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
  keep({ grant, span: _, ...callback }: ReceivedCallback, reason: RefusalReason): { readonly quarantined?: string } {
    if (!isQuarantineReason(reason)) return {};
    const id = this.quarantine.keep({ ...callback, reason, ...(grant && { context: JSON.stringify(grant) }) });
    return id === undefined ? {} : { quarantined: id };
  }
}

/** The grant of a callback that `keep` has handed over. */
export function grantOf({ context }: QuarantinedCallback): Grant {
  return context === undefined ? undefined : (JSON.parse(context) as Grant);
}
