// Request bodies of the API and their validation; unknown members are ignored.
import { type ArgumentMetadata, Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  ArrayUnique,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  IsUrl,
  MaxLength,
  ValidateIf,
  ValidateNested,
  type ValidationError,
} from 'class-validator';
import type { PublishPermission } from '../provider/participants.js';
import { ApiError } from './api-error.js';

const MAX_TAG_LENGTH = 50;
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

/** Every body is optional: a missing one counts as empty. */
@Injectable()
export class BodyPipe implements PipeTransform {
  readonly #validation = new ValidationPipe({
    transform: true,
    whitelist: true,
    exceptionFactory: (errors: ValidationError[]) => new ApiError(400, errors.flatMap(messagesOf).join('; ')),
  });

  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body') return value;
    const body = value ?? {};
    if (typeof body !== 'object' || Array.isArray(body)) throw new ApiError(400, 'the body must be a JSON object');
    return this.#validation.transform(body, metadata);
  }
}

function messagesOf({ constraints = {}, children = [] }: ValidationError): string[] {
  return [...Object.values(constraints), ...children.flatMap(messagesOf)];
}
