// The responses about quarantined callbacks.
import { isUtf8 } from 'node:buffer';
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { QuarantinedCallback, QuarantineEntry } from '../../storage/ports.js';
import { QUARANTINE_REASONS } from '../reasons.js';
import { REPLAY_OUTCOMES } from '../replay.js';
import { ID_EXAMPLE } from './queries.js';

const REQUEST_ID_EXAMPLE = '5b9a4c1e-6a43-4c5e-9d0f-2f6f8e0c7a11';
const BODY_EXAMPLE = '{"event":"onMute","timestamp":"1628786234676"}';

const Id = () => ApiProperty({ type: String, example: ID_EXAMPLE });
const Source = () => ApiProperty({ type: String, example: 'bandwidth' });
const Reason = () =>
  ApiProperty({
    type: String,
    enum: QUARANTINE_REASONS,
    example: 'unknown-event',
    description:
      '`malformed-body`: not JSON, or too deep. `invalid-fields`: a member is missing or not valid. `unknown-event`: answered ' +
      'with 202. `wrong-participant`: its callback URL is bound to another participant. `internal-error`: the service failed.',
  });
const ReceivedAt = () => ApiProperty({ type: String, format: 'date-time', example: TIME_EXAMPLE });
const ContentType = () => ApiProperty({ type: String, example: 'application/json' });
const Bytes = () => ApiProperty({ type: 'integer', example: 46, description: 'The size of the body.' });
const RequestId = () =>
  ApiProperty({ type: String, example: REQUEST_ID_EXAMPLE, description: 'As in the log line of the refusal.' });

class QuarantineEntryResponse {
  @Id()
  id: string;

  @Source()
  source: string;

  @Reason()
  reason: string;

  @ReceivedAt()
  receivedAt: string;

  @ContentType()
  contentType: string;

  @Bytes()
  bytes: number;

  @RequestId()
  requestId: string;
}

export class QuarantineResponse {
  @ApiProperty({ type: [QuarantineEntryResponse], description: 'Newest first, without their bodies.' })
  items: QuarantineEntryResponse[];

  @ApiPropertyOptional({
    type: String,
    example: ID_EXAMPLE,
    description: 'There are older callbacks: repeat the request with this `cursor`.',
  })
  nextCursor?: string;
}

export class QuarantinedCallbackResponse extends QuarantineEntryResponse {
  @ApiPropertyOptional({ type: String, example: BODY_EXAMPLE, description: 'The body as text, if it is valid UTF-8.' })
  body?: string;

  @ApiPropertyOptional({ type: String, format: 'byte', example: '/w==', description: 'Any other body, as base64.' })
  bodyBase64?: string;
}

export class ReplayResponse {
  @ApiProperty({
    type: String,
    enum: REPLAY_OUTCOMES,
    example: 'applied',
    description:
      '`applied`: presence may have changed. `ignored`: a duplicate, outdated, or of no concern to presence. `spooled`: it is ' +
      'on the local disk until the store is back.',
  })
  outcome: string;
}

export class ReplayTotalsResponse {
  @ApiProperty({ type: 'integer', example: 500, description: 'Callbacks that were replayed and removed.' })
  replayed: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'Callbacks that cannot be applied. They stay.' })
  failed: number;

  @ApiProperty({ type: 'integer', example: 37, description: 'Callbacks that match and have not been examined yet.' })
  remaining: number;

  @ApiPropertyOptional({
    type: String,
    example: ID_EXAMPLE,
    description: 'Some remain: repeat the request with this `cursor`.',
  })
  nextCursor?: string;
}

export class DeletedResponse {
  @ApiProperty({ type: 'integer', example: 1_000 })
  deleted: number;

  @ApiProperty({ type: 'integer', example: 37, description: 'Callbacks that match and are still there.' })
  remaining: number;
}

export const ENTRY_EXAMPLE = {
  id: ID_EXAMPLE,
  source: 'bandwidth',
  reason: 'unknown-event',
  receivedAt: TIME_EXAMPLE,
  contentType: 'application/json',
  bytes: BODY_EXAMPLE.length,
  requestId: REQUEST_ID_EXAMPLE,
};

export const CALLBACK_EXAMPLE = { ...ENTRY_EXAMPLE, body: BODY_EXAMPLE };

export function entryResponse(entry: QuarantineEntry): QuarantineEntryResponse {
  const { id, source, reason, receivedAtMs, contentType, bytes, requestId } = entry;
  return { id, source, reason, receivedAt: rfc3339(receivedAtMs), contentType, bytes, requestId };
}

export function callbackResponse({ body, ...entry }: QuarantinedCallback): QuarantinedCallbackResponse {
  const content = isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') };
  return Object.assign(entryResponse(entry), content);
}
