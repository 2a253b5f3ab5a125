import { Body, Controller, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import type { AccessSettings } from '../../auth/access-guard.js';
import {
  ApiCreatedResponse,
  ApiOperation,
  ApiProblems,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '../../http/openapi/decorators.js';
import { ProblemError } from '../../http/problem.js';
import { NoQuery } from '../../http/query-parameters.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { mintToken } from '../authentication/callback-token.js';
import { CALLBACK_URL_EXAMPLE } from './callback-examples.js';

/** Injection token of the access settings. */
export const ACCESS = Symbol('AccessSettings');

/** Short, since the tag is part of the URL. */
const MAX_TAG_LENGTH = 128;
const DAY_S = 86_400;
const LIFETIME = { message: `must be a whole number from 60 to ${366 * DAY_S}` };

export class CallbackUrlRequest {
  @ApiProperty({ type: String, example: 'bandwidth', description: 'The name of a configured source.' })
  @IsString({ message: 'must be the name of a source' })
  source: string;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: MAX_TAG_LENGTH,
    example: 'agent-17',
    description: 'The tag of the participant, for callbacks in which the provider sends none.',
  })
  @IsOptional()
  @Matches(/^[^\0\p{Surrogate}]{1,128}$/u, { message: `must be text of 1 to ${MAX_TAG_LENGTH} characters` })
  tag?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 60,
    maximum: 366 * DAY_S,
    default: 30 * DAY_S,
    example: DAY_S,
    description:
      'How long callbacks to this URL are accepted. Choose at least the lifetime of the participant, since Bandwidth ' +
      'cannot change its URL. An endpoint of BRTC is valid for a day.',
  })
  @IsOptional()
  @IsInt(LIFETIME)
  @Min(60, LIFETIME)
  @Max(366 * DAY_S, LIFETIME)
  expiresInSeconds: number = 30 * DAY_S;
}

export class CallbackUrlResponse {
  @ApiProperty({
    format: 'uri',
    example: CALLBACK_URL_EXAMPLE.callbackUrl,
    description:
      'Pass it as `callbackUrl` when you create the participant, or as `eventCallbackUrl` of a BRTC endpoint. Treat it as a ' +
      'secret.',
  })
  callbackUrl: string;

  @ApiProperty({
    example: CALLBACK_URL_EXAMPLE.ref,
    description: 'Identifies this URL in the log. It is not a secret.',
  })
  ref: string;

  @ApiPropertyOptional({ type: String, example: CALLBACK_URL_EXAMPLE.tag, description: 'As in the request.' })
  tag?: string;

  @ApiProperty({
    format: 'date-time',
    example: CALLBACK_URL_EXAMPLE.expiresAt,
    description: 'Callbacks to the URL are refused from this time on.',
  })
  expiresAt: string;
}

@ApiTags('callbacks')
@Controller('v1/callback-urls')
export class CallbackUrlsController {
  constructor(
    @Inject(ACCESS) private readonly access: AccessSettings,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly sources: SourceNames,
  ) {}

  @Post()
  @Access('admin')
  @HttpCode(201)
  @ApiOperation({
    operationId: 'mintCallbackUrl',
    summary: 'Mint a callback URL for one participant',
    description:
      'Returns a URL that accepts the callbacks of one participant: the first one that is received through it. The ' +
      'participant need not exist yet. `CALLBACK_SECRETS` and `PUBLIC_URL` must be set.',
  })
  @ApiCreatedResponse({ type: CallbackUrlResponse, description: 'The URL.', example: CALLBACK_URL_EXAMPLE })
  @ApiProblems('not-configured')
  mint(@Body() { source, tag, expiresInSeconds }: CallbackUrlRequest, @Query() _: NoQuery): CallbackUrlResponse {
    const { callbackSecrets, publicUrl } = this.access;
    this.sources.parse(source);
    const [secret] = callbackSecrets;
    if (secret === undefined || publicUrl === undefined) {
      throw new ProblemError('not-configured', {
        detail: 'Set CALLBACK_SECRETS and PUBLIC_URL to mint callback URLs.',
      });
    }
    const expiresAtMs = Math.ceil(this.clock.now() / 1_000 + expiresInSeconds) * 1_000;
    const { ref, token } = mintToken(source, secret, { expiresAtMs, tag });
    const callbackUrl = `${publicUrl}/callbacks/${source}/${token}`;
    return { callbackUrl, ref, ...(tag !== undefined && { tag }), expiresAt: rfc3339(expiresAtMs) };
  }
}
