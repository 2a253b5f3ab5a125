// Request bodies of the API and their validation; unknown members are ignored.
import { type ArgumentMetadata, Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
  type ValidationError,
} from 'class-validator';
import { DIRECTIONS, type EndpointSettings } from '../provider/endpoints.js';
import type { PublishPermission } from '../provider/participants.js';
import { ApiError } from './api-error.js';

const MAX_TAG_LENGTH = 50;
const MAX_ENDPOINT_TAG_LENGTH = 1_024;
/** Without a top-level domain, too: receivers under development have no public name. */
const ANY_HTTP_URL = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };

export class SessionBody {
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TAG_LENGTH)
  tag?: string;
}

export class ParticipantBody extends SessionBody {
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsUrl(ANY_HTTP_URL)
  callbackUrl?: string | null;

  @IsOptional()
  @IsArray()
  @ArrayUnique()
  @IsIn(['AUDIO', 'VIDEO'], { each: true })
  publishPermissions?: PublishPermission[];

  @IsOptional()
  @IsIn(['V3'])
  deviceApiVersion?: 'V3';
}

class ParticipantSubscriptionBody {
  @IsString()
  participantId: string;

  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  streamAliases?: string[];
}

export class SubscriptionsBody {
  @IsOptional()
  @IsString()
  sessionId?: string;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ParticipantSubscriptionBody)
  participants?: ParticipantSubscriptionBody[];
}

export class EndpointBody implements EndpointSettings {
  @IsIn(['WEBRTC'])
  type: 'WEBRTC';

  @IsIn(DIRECTIONS)
  direction: EndpointSettings['direction'];

  @IsOptional()
  @IsUrl(ANY_HTTP_URL)
  eventCallbackUrl?: string;

  @IsOptional()
  @IsUrl(ANY_HTTP_URL)
  eventFallbackUrl?: string;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_ENDPOINT_TAG_LENGTH)
  tag?: string;

  @IsOptional()
  @IsObject()
  connectionMetadata?: object;
}

export class EndpointQuery {
  @IsOptional()
  @IsIn(['WEBRTC'])
  type?: 'WEBRTC';

  @IsOptional()
  @IsIn(['CONNECTED', 'DISCONNECTED'])
  status?: 'CONNECTED' | 'DISCONNECTED';

  @IsOptional()
  @IsString()
  afterCursor?: string;

  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit: number = 100;
}

export const VALIDATION = new ValidationPipe({
  transform: true,
  whitelist: true,
  exceptionFactory: (errors: ValidationError[]) => new ApiError(400, errors.flatMap(messagesOf).join('; ')),
});

/** Every body is optional: a missing one counts as empty. */
@Injectable()
export class BodyPipe implements PipeTransform {
  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body') return value;
    const body = value ?? {};
    if (typeof body !== 'object' || Array.isArray(body)) throw new ApiError(400, 'the body must be a JSON object');
    return VALIDATION.transform(body, metadata);
  }
}

function messagesOf({ constraints = {}, children = [] }: ValidationError): string[] {
  return [...Object.values(constraints), ...children.flatMap(messagesOf)];
}
