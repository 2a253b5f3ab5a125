import { Body, Controller, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { mintToken } from '../auth/callback-token.js';
import type { AccessSettings } from '../auth/doors.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import {
  ApiCreatedResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  ApiTags,
} from '../platform/openapi-decorators.js';
import { ProblemError } from '../platform/problem.js';
import { rfc3339 } from '../platform/rfc3339.js';
import { Access } from '../platform/route-options.js';
import { NoQuery } from '../presence/questions.js';

/** For injection. */
export const ACCESS = Symbol('AccessSettings');

const SOURCES = ['bandwidth'] as const;
/** The tag is part of the URL. */
const MAX_TAG_LENGTH = 128;
const DAY_S = 86_400;
const LIFETIME = { message: `must be a whole number from 60 to ${366 * DAY_S}` };

export class CallbackUrlQuestion {
  @ApiProperty({ enum: SOURCES })
  @IsIn(SOURCES, { message: `must be one of ${SOURCES.join(', ')}` })
  source: (typeof SOURCES)[number];

  @ApiPropertyOptional({
    maxLength: MAX_TAG_LENGTH,
    description: 'The participant’s tag where the provider tells none.',
  })
  @IsOptional()
  @Matches(/^[^\0\p{Surrogate}]{1,128}$/u, { message: `must be text of 1 to ${MAX_TAG_LENGTH} characters` })
  tag?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 60,
    maximum: 366 * DAY_S,
    default: 30 * DAY_S,
    description:
      'How long callbacks are taken: at least as long as the participant may live, whose URL cannot be changed.',
  })
  @IsOptional()
  @IsInt(LIFETIME)
  @Min(60, LIFETIME)
  @Max(366 * DAY_S, LIFETIME)
  expiresInSeconds: number = 30 * DAY_S;
}

export class CallbackUrlAnswer {
  @ApiProperty({ description: 'To be given to the provider when the participant is created. It is a secret.' })
  callbackUrl: string;

  @ApiProperty({ description: 'Names this URL in the log; it is no secret.' })
  ref: string;

  @ApiPropertyOptional()
  tag?: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
}

@ApiTags('callbacks')
@Controller('v1/callback-urls')
export class CallbackUrlsController {
  constructor(
    @Inject(ACCESS) private readonly access: AccessSettings,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post()
  @Access('admin')
  @HttpCode(201)
  @ApiOperation({ summary: 'A callback URL for one participant, who need not be known yet' })
  @ApiCreatedResponse({ type: CallbackUrlAnswer })
  @ApiResponse({ status: 501, description: 'CALLBACK_SECRETS or PUBLIC_URL is not set.' })
  mint(@Body() { source, tag, expiresInSeconds }: CallbackUrlQuestion, @Query() _: NoQuery): CallbackUrlAnswer {
    const { callbackSecrets, publicUrl } = this.access;
    const [secret] = callbackSecrets;
    if (secret === undefined || publicUrl === undefined) {
      throw new ProblemError('not-configured', {
        detail: 'It takes CALLBACK_SECRETS and PUBLIC_URL to make such URLs.',
      });
    }
    const expiresAtMs = Math.ceil(this.clock.now() / 1_000 + expiresInSeconds) * 1_000;
    const { ref, token } = mintToken(source, secret, { expiresAtMs, tag });
    const callbackUrl = `${publicUrl}/callbacks/${source}/${token}`;
    return { callbackUrl, ref, ...(tag !== undefined && { tag }), expiresAt: rfc3339(expiresAtMs) };
  }
}
