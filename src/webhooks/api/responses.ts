// The responses about endpoints.
import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';
import { TAG_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type { EndpointProgress, Unread } from '../delivery/backlog.js';
import { DISABLE_REASONS, type DisableReason, EVENT_TYPES, type EventType } from '../endpoint.js';
import { URL_EXAMPLE } from './requests.js';

export const ENDPOINT_ID_EXAMPLE = 'ep_hJ6qXv1mT0a4Zr8K';
const SECRET_EXAMPLE = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';

class DisabledResponse {
  @ApiProperty({
    type: String,
    enum: DISABLE_REASONS,
    example: 'gone',
    description: '`gone`: it answered with status 410. `failing`: it took nothing for 5 days.',
  })
  reason: DisableReason;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  at: string;
}

class DeliveryStateResponse {
  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Changes and events that were read and are not settled: at most about 1,000.',
  })
  waiting: number;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description:
      'Changes in the feed that were not read yet and are wanted, in the first 128 entries that were not read.',
  })
  unread: number;

  @ApiPropertyOptional({ type: Boolean, example: true, description: 'Whether the feed goes on after these entries.' })
  moreUnread?: boolean;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'The age of the oldest change that is not settled, read or not, in milliseconds; 0: there is none.',
  })
  lagMs: number;

  @ApiProperty({ type: 'integer', example: 0, description: 'Failures in a row.' })
  failures: number;

  @ApiPropertyOptional({ type: String, format: 'date-time', example: TIME_EXAMPLE, description: 'The first of these.' })
  failingSince?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', example: TIME_EXAMPLE })
  lastDeliveryAt?: string;

  @ApiPropertyOptional({
    type: String,
    example: 'ECONNREFUSED',
    description: 'Why the last attempt failed, if it did.',
  })
  lastError?: string;
}

export class EndpointResponse {
  @ApiProperty({ type: String, example: ENDPOINT_ID_EXAMPLE })
  id: string;

  @ApiProperty({ type: String, format: 'uri', example: URL_EXAMPLE })
  url: string;

  @ApiPropertyOptional({ type: String, example: 'Call centre' })
  description?: string;

  @ApiPropertyOptional({
    type: [String],
    enum: EVENT_TYPES,
    example: ['participant.connected', 'participant.gone'],
    description: 'Absent: all changes.',
  })
  types?: EventType[];

  @ApiPropertyOptional({ type: String, example: TAG_EXAMPLE })
  tag?: string;

  @ApiPropertyOptional({ type: String, example: 'bandwidth' })
  source?: string;

  @ApiPropertyOptional({ type: String, example: 'r-42' })
  scope?: string;

  @ApiProperty({ type: 'integer', example: 1 })
  batch: number;

  @ApiProperty({ type: [String], example: ['x-tenant'], description: 'Without their values.' })
  headerNames: string[];

  @ApiProperty({ type: Boolean, example: true })
  enabled: boolean;

  @ApiPropertyOptional({ type: DisabledResponse, description: 'Why the service has disabled it.' })
  disabled?: DisabledResponse;

  @ApiProperty({
    type: Boolean,
    example: false,
    description: 'Whether it comes from `WEBHOOK_ENDPOINTS`, and so cannot be changed here.',
  })
  declared: boolean;

  @ApiProperty({ type: DeliveryStateResponse, description: 'Its state, as of a few seconds ago.' })
  delivery: DeliveryStateResponse;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: TIME_EXAMPLE })
  updatedAt: string;
}

export class CreatedEndpointResponse extends EndpointResponse {
  @ApiProperty({
    type: String,
    example: SECRET_EXAMPLE,
    description: 'Verifies the signatures. It is not shown again.',
  })
  secret: string;
}

export class EndpointsResponse {
  @ApiProperty({ type: [EndpointResponse], description: 'All of them, sorted by id.' })
  items: EndpointResponse[];
}

export class RotatedSecretResponse {
  @ApiProperty({ type: String, example: SECRET_EXAMPLE, description: 'The new secret. It is not shown again.' })
  secret: string;

  @ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'Until then each request has signatures with the new and with the previous secret.',
  })
  previousUntil: string;
}

export const ENDPOINT_EXAMPLE = {
  id: ENDPOINT_ID_EXAMPLE,
  url: URL_EXAMPLE,
  batch: 1,
  headerNames: [],
  enabled: true,
  declared: false,
  delivery: { waiting: 0, unread: 0, lagMs: 0, failures: 0 },
  createdAt: TIME_EXAMPLE,
  updatedAt: TIME_EXAMPLE,
};

export const CREATED_ENDPOINT_EXAMPLE = { ...ENDPOINT_EXAMPLE, secret: SECRET_EXAMPLE };

export const ROTATED_SECRET_EXAMPLE = { secret: SECRET_EXAMPLE, previousUntil: TIME_EXAMPLE };

function deliveryStateResponse({ state }: EndpointProgress, unread: Unread, nowMs: number): DeliveryStateResponse {
  const { messages = [], health = { failures: 0 }, oldestAtMs, lastError } = state ?? {};
  const { failures, failingSinceMs, lastDeliveryMs } = health;
  const oldestMs = Math.min(oldestAtMs ?? nowMs, unread.oldestAtMs ?? nowMs);
  return {
    waiting: messages.reduce(
      (sum, one) => sum + (typeof one === 'string' ? 1 : one.changes.length + (one.event ? 1 : 0)),
      0,
    ),
    unread: unread.count,
    ...(unread.hasMore && { moreUnread: true }),
    lagMs: Math.max(nowMs - oldestMs, 0),
    failures,
    ...(failingSinceMs !== undefined && { failingSince: rfc3339(failingSinceMs) }),
    ...(lastDeliveryMs !== undefined && { lastDeliveryAt: rfc3339(lastDeliveryMs) }),
    ...(lastError !== undefined && { lastError }),
  };
}

export function endpointResponse(progress: EndpointProgress, unread: Unread, nowMs: number): EndpointResponse {
  const { endpoint } = progress;
  const { id, url, description, filter, batch, headers, isEnabled, disabled, isDeclared } = endpoint;
  const { types, tag, source, scope } = filter;
  return {
    id,
    url,
    ...(description !== undefined && { description }),
    ...(types && { types: [...types] }),
    ...(tag !== undefined && { tag }),
    ...(source !== undefined && { source }),
    ...(scope !== undefined && { scope }),
    batch,
    headerNames: Object.keys(headers),
    enabled: isEnabled,
    ...(disabled && { disabled: { reason: disabled.reason, at: rfc3339(disabled.atMs) } }),
    declared: isDeclared,
    delivery: deliveryStateResponse(progress, unread, nowMs),
    createdAt: rfc3339(endpoint.createdAtMs),
    updatedAt: rfc3339(endpoint.updatedAtMs),
  };
}
