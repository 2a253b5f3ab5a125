import type { SourceName } from '../../src/domain/subject.js';
import type { QuarantinedCallback } from '../../src/storage/ports.js';
import { newTimedId } from '../../src/storage/timed-id.js';

type Parts = Partial<Omit<QuarantinedCallback, 'id' | 'bytes' | 'source'>> & { readonly source?: string };

/** A quarantined callback, with defaults for what a test does not care about. */
export function quarantined({ source = 'bandwidth', receivedAtMs = 1_000, ...parts }: Parts = {}): QuarantinedCallback {
  const body = parts.body ?? Buffer.from('{"event":"onMute"}');
  return {
    id: newTimedId(receivedAtMs),
    source: source as SourceName,
    reason: 'unknown-event',
    contentType: 'application/json',
    requestId: 'request-1',
    receivedAtMs,
    ...parts,
    body,
    bytes: body.length,
  };
}
