// The responses about deliveries.
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { DeliveryRecord } from '../../storage/webhook-ports.js';
import { type Attempt, type AttemptResult, type DeadLetter, decodeRecord } from '../delivery/delivery-records.js';
import type { ManualResult } from '../delivery/manual-sends.js';

export const RECORD_ID_EXAMPLE = '019ac0f3b2c1-9f86d081884c7d65';
const MESSAGE_ID_EXAMPLE = 'msg_3fGk9hXq0bLr2mZt8vWc1aYe';

const MessageId = () =>
  ApiProperty({ type: String, example: MESSAGE_ID_EXAMPLE, description: 'The header `webhook-id` of the request.' });
const Type = () => ApiProperty({ type: String, example: 'participant.connected' });
const Changes = () =>
  ApiProperty({ type: 'integer', example: 1, description: 'The number of changes in the request.' });
const DurationMs = () => ApiProperty({ type: 'integer', example: 42 });

class ResultResponse {
  @ApiPropertyOptional({ type: 'integer', example: 204, description: 'Of the answer, if there was one.' })
  status?: number;

  @ApiPropertyOptional({ type: String, example: 'thanks', description: 'The first KiB of the body of the answer.' })
  answer?: string;

  @ApiPropertyOptional({ type: String, example: 'ECONNREFUSED', description: 'Why there was no answer.' })
  error?: string;
}

class AttemptResponse extends ResultResponse {
  @ApiProperty({ type: String, example: RECORD_ID_EXAMPLE })
  id: string;

  @MessageId()
  messageId: string;

  @Type()
  type: string;

  @Changes()
  changes: number;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  at: string;

  @DurationMs()
  durationMs: number;

  @ApiPropertyOptional({
    type: Boolean,
    example: true,
    description: 'Whether an operator requested it: a test, or a dead letter that was sent again.',
  })
  manual?: boolean;
}

export class AttemptsResponse {
  @ApiProperty({ type: [AttemptResponse], description: 'Newest first.' })
  items: AttemptResponse[];
}

class DeadLetterResponse {
  @ApiProperty({ type: String, example: RECORD_ID_EXAMPLE })
  id: string;

  @MessageId()
  messageId: string;

  @Type()
  type: string;

  @Changes()
  changes: number;

  @ApiProperty({ type: 'integer', example: 17, description: 'How often it was refused.' })
  failures: number;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  firstFailedAt: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  deadLetteredAt: string;

  @ApiProperty({ type: ResultResponse, description: 'The last answer, or why there was none.' })
  last: ResultResponse;

  @ApiProperty({ type: String, example: '{"type":"participant.connected"}', description: 'The body of the request.' })
  body: string;
}

export class DeadLettersResponse {
  @ApiProperty({ type: [DeadLetterResponse], description: 'Newest first.' })
  items: DeadLetterResponse[];

  @ApiPropertyOptional({
    type: String,
    example: RECORD_ID_EXAMPLE,
    description: 'There are older ones: repeat the request with this `cursor`.',
  })
  nextCursor?: string;
}

export class SendResponse extends ResultResponse {
  @MessageId()
  messageId: string;

  @ApiProperty({ type: Boolean, example: true, description: 'Whether it was answered with a status from 200 to 299.' })
  delivered: boolean;

  @DurationMs()
  durationMs: number;
}

export class ReplayStartedResponse {
  @ApiProperty({
    type: String,
    example: POSITION_EXAMPLE,
    description: 'What follows this position is delivered again.',
  })
  from: string;
}

export const ATTEMPT_EXAMPLE = {
  id: RECORD_ID_EXAMPLE,
  messageId: MESSAGE_ID_EXAMPLE,
  type: 'participant.connected',
  changes: 1,
  at: TIME_EXAMPLE,
  durationMs: 42,
  status: 204,
  answer: '',
};

export const DEAD_LETTER_EXAMPLE = {
  id: RECORD_ID_EXAMPLE,
  messageId: MESSAGE_ID_EXAMPLE,
  type: 'participant.connected',
  changes: 1,
  failures: 17,
  firstFailedAt: TIME_EXAMPLE,
  deadLetteredAt: TIME_EXAMPLE,
  last: { status: 422, answer: 'not understood' },
  body: '{"type":"participant.connected"}',
};

export const SEND_EXAMPLE = {
  messageId: MESSAGE_ID_EXAMPLE,
  delivered: true,
  durationMs: 42,
  status: 204,
  answer: '',
};

export function attemptResponse({ id, text }: DeliveryRecord): AttemptResponse {
  const { messageId, type, changes, atMs, durationMs, isManual, ...result } = decodeRecord<Attempt>(text);
  const manual = isManual === true ? { manual: true } : {};
  return { id, messageId, type, changes, at: rfc3339(atMs), durationMs, ...manual, ...resultOf(result) };
}

export function deadLetterResponse({ id, text }: DeliveryRecord): DeadLetterResponse {
  const { firstFailedAtMs, deadLetteredAtMs, last, ...rest } = decodeRecord<DeadLetter>(text);
  const { messageId, type, changes, failures, body } = rest;
  return {
    id,
    messageId,
    type,
    changes,
    failures,
    body,
    firstFailedAt: rfc3339(firstFailedAtMs),
    deadLetteredAt: rfc3339(deadLetteredAtMs),
    last: resultOf(last),
  };
}

export function sendResponse({ messageId, isDelivered, durationMs, ...result }: ManualResult): SendResponse {
  return { messageId, delivered: isDelivered, durationMs, ...resultOf(result) };
}

/** Without other members. */
function resultOf({ status, answer, error }: AttemptResult): AttemptResult {
  return {
    ...(status !== undefined && { status }),
    ...(answer !== undefined && { answer }),
    ...(error !== undefined && { error }),
  };
}
