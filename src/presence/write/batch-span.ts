// What the trace of a batch shows.
import type { BatchSpan, Tracer } from '../../observability/tracing/tracer.js';
import { type RecordStore, StoreUnavailableError } from '../../storage/ports.js';
import type { Batch } from './update-queue.js';

export function startBatchSpan(tracer: Tracer, batch: Batch): BatchSpan | undefined {
  const updates = [...batch.values()].flat();
  const requests = updates.flatMap(({ span }) => span ?? []);
  return tracer.startBatch({ requests, participants: batch.size, updates: updates.length });
}

/** Some of the participants, if not all, may have been loaded or committed. */
export function loadResult(records: Awaited<ReturnType<RecordStore['load']>>) {
  return { failure: records.find((record) => record instanceof StoreUnavailableError)?.name };
}

export function commitResult(outcomes: Awaited<ReturnType<RecordStore['commit']>>) {
  const failure = outcomes.find((outcome) => outcome instanceof StoreUnavailableError)?.name;
  return { failure, conflicts: outcomes.filter((outcome) => outcome === 'conflict').length };
}
