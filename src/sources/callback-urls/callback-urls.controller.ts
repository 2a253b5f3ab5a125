import { Body, Controller, HttpCode, Inject, Post, Query } from '@nestjs/common';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import type { AccessSettings } from '../../auth/access-guard.js';
import { MAX_IDENTIFIER_LENGTH } from '../../domain/identifier.js';
import { type Labels, NO_LABELS } from '../../domain/labels.js';
import {
  ApiCreatedResponse,
  ApiOperation,
  ApiProblems,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '../../http/openapi/decorators.js';
import { PARTICIPANT_REF_EXAMPLE } from '../../http/openapi/examples.js';
import { invalidParameter, ProblemError } from '../../http/problem.js';
import { Identifier, LabelSet, LabelsProperty, NoQuery, Optional } from '../../http/query-parameters.js';
import { Access } from '../../http/route-options.js';
import { SourceNames } from '../../http/source-names.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { areTooLong, MAX_CLAIMS_BYTES, mintToken } from '../authentication/callback-token.js';
import { CALLBACK_URL_EXAMPLE } from './callback-examples.js';

/** Injection token of the access settings. */
export const ACCESS = Symbol('AccessSettings');

/** Short, since the tag is part of the URL. */
const MAX_TAG_LENGTH = 128;
const DAY_S = 86_400;
const TOO_LONG = `must be shorter: all that the URL carries must fit in ${MAX_CLAIMS_BYTES} bytes`;
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
    type: String,
    minLength: 1,
    maxLength: MAX_IDENTIFIER_LENGTH,
    example: PARTICIPANT_REF_EXAMPLE,
    description:
      'A reference of your own, such as the id of a user, for a provider that issues the id of the participant only later. It ' +
      'is shown wherever the participant is.',
  })
  @Optional()
  @Identifier()
  participantRef?: string;

  @LabelsProperty('Labels of the participant. An operator may set others later.')
  @Optional()
  @LabelSet()
  labels?: Labels;

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

  @ApiPropertyOptional({ type: String, example: PARTICIPANT_REF_EXAMPLE, description: 'As in the request.' })
  participantRef?: string;

  @LabelsProperty('As in the request.')
  labels?: Labels;

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
      'participant need not exist yet. It is for sources whose provider does not sign its callbacks, and takes a URL for each ' +
      'participant. `CALLBACK_SECRETS` and `PUBLIC_URL` must be set.',
  })
  @ApiCreatedResponse({ type: CallbackUrlResponse, description: 'The URL.', example: CALLBACK_URL_EXAMPLE })
  @ApiProblems('not-configured')
  mint(
    @Body() { source, expiresInSeconds, tag, participantRef, labels = NO_LABELS }: CallbackUrlRequest,
    @Query() _: NoQuery,
  ): CallbackUrlResponse {
    const { callbackSecrets, publicUrl } = this.access;
    this.sources.parse(source);
    const [secret] = callbackSecrets;
    if (secret === undefined || publicUrl === undefined) {
      throw new ProblemError('not-configured', {
        detail: 'Set CALLBACK_SECRETS and PUBLIC_URL to mint callback URLs.',
      });
    }
    const claims = {
      ...(tag !== undefined && { tag }),
      ...(participantRef !== undefined && { participantRef }),
      ...(Object.keys(labels).length > 0 && { labels }),
    };
    if (areTooLong(claims)) {
      const [longest = ''] = Object.keys(claims).toSorted((a, b) => lengthOf(claims, b) - lengthOf(claims, a));
      throw invalidParameter(longest, TOO_LONG);
    }
    const expiresAtMs = Math.ceil(this.clock.now() / 1_000 + expiresInSeconds) * 1_000;
    const { ref, token } = mintToken(source, secret, { expiresAtMs, ...claims });
    const callbackUrl = `${publicUrl}/callbacks/${source}/${token}`;
    return { callbackUrl, ref, ...claims, expiresAt: rfc3339(expiresAtMs) };
  }
}

function lengthOf(claims: Readonly<Record<string, unknown>>, name: string): number {
  return Buffer.byteLength(JSON.stringify(claims[name]));
}
