import { Body, Controller, HttpCode, HttpStatus, Post, Query } from '@nestjs/common';
import { ArrayMaxSize, ArrayMinSize, IsArray, ValidateBy } from 'class-validator';
import type { Labels } from '../../domain/labels.js';
import { AsSent } from '../../http/as-sent.js';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '../../http/openapi/decorators.js';
import { PARTICIPANT_ID_EXAMPLE, TIME_EXAMPLE } from '../../http/openapi/examples.js';
import { LabelsProperty, NoQuery } from '../../http/query-parameters.js';
import { Access, Limits } from '../../http/route-options.js';
import { CALLBACK_URL_EXAMPLE } from '../callback-urls/callback-examples.js';
import {
  FORWARD_OUTCOMES,
  type ForwardedCallback,
  type ForwardOutcome,
  forwardedFault,
  MAX_FORWARDED,
  MAX_FORWARDED_BYTES,
} from './forwarded-callback.js';
import { ForwardedCallbacks } from './forwarded-callbacks.js';

const COUNT = { message: `must have 1 to ${MAX_FORWARDED} callbacks` };

const CALLBACK_EXAMPLE = {
  source: 'bandwidth',
  receivedAt: TIME_EXAMPLE,
  contentType: 'application/json',
  body: `{"event":"onConnect","timestamp":"1628786234676","participantId":"${PARTICIPANT_ID_EXAMPLE}","deviceId":"d1"}`,
  requestId: '6f0f8a4e-3c1b-4e57-9d0c-2a7f5b1e9c38',
};

class GrantProperties {
  @ApiProperty({ example: CALLBACK_URL_EXAMPLE.ref })
  ref: string;

  @ApiProperty({ type: 'integer', example: Date.parse(CALLBACK_URL_EXAMPLE.expiresAt) })
  expiresAtMs: number;

  @ApiPropertyOptional({ type: String, example: CALLBACK_URL_EXAMPLE.tag })
  tag?: string;

  @ApiPropertyOptional({ type: String, example: CALLBACK_URL_EXAMPLE.participantRef })
  participantRef?: string;

  @LabelsProperty('As they were given when the URL was minted.')
  labels?: Labels;
}

class CallbackProperties {
  @ApiProperty({ example: CALLBACK_EXAMPLE.source, description: 'A source that is configured here as well.' })
  source: string;

  @ApiProperty({
    format: 'date-time',
    example: CALLBACK_EXAMPLE.receivedAt,
    description: 'When the other service received it.',
  })
  receivedAt: string;

  @ApiProperty({ example: CALLBACK_EXAMPLE.contentType })
  contentType: string;

  @ApiProperty({ example: CALLBACK_EXAMPLE.body, description: 'As the provider sent it.' })
  body: string;

  @ApiProperty({ example: CALLBACK_EXAMPLE.requestId, description: 'The id in the log of the other service.' })
  requestId: string;

  @ApiPropertyOptional({ type: GrantProperties, description: 'Of the minted URL that it was sent to.' })
  grant?: GrantProperties;
}

class ResultProperties {
  @ApiProperty({
    type: String,
    enum: FORWARD_OUTCOMES,
    example: 'applied',
    description:
      '`applied`: presence may have changed. `ignored`: a duplicate, outdated, or of no concern to presence. `spooled`: it is ' +
      'on the local disk until the store is back. `refused`: it is not valid here, and is in the quarantine, ' +
      'unless that is off. `unavailable`: send it again later.',
  })
  outcome: string;

  @ApiPropertyOptional({
    type: String,
    example: 'The source other is not configured.',
    description: 'Why it was not accepted.',
  })
  detail?: string;
}

export class ForwardedCallbacksRequest {
  @ApiProperty({
    type: [CallbackProperties],
    minItems: 1,
    maxItems: MAX_FORWARDED,
    example: [CALLBACK_EXAMPLE],
    description: 'Callbacks that another Rollcall has accepted.',
  })
  @AsSent()
  @IsArray({ message: 'must be an array' })
  @ArrayMinSize(1, COUNT)
  @ArrayMaxSize(MAX_FORWARDED, COUNT)
  @ValidateBy({
    name: 'callbacks',
    validator: {
      validate: (callbacks: unknown) => firstFault(callbacks) === undefined,
      defaultMessage: (args) => firstFault(args?.value) ?? '',
    },
  })
  callbacks: ForwardedCallback[];
}

export class ForwardedCallbacksResponse {
  @ApiProperty({
    type: [ResultProperties],
    example: [{ outcome: 'applied' }],
    description: 'In the order of the callbacks.',
  })
  results: ForwardOutcome[];
}

@ApiTags('operations')
@Controller('v1/forwarded-callbacks')
export class ForwardedCallbacksController {
  constructor(private readonly forwarded: ForwardedCallbacks) {}

  @Post()
  @Access('admin')
  @HttpCode(HttpStatus.OK)
  @Limits({ bodyLimitBytes: MAX_FORWARDED_BYTES })
  @ApiOperation({
    operationId: 'takeForwardedCallbacks',
    summary: 'Accept callbacks forwarded by another Rollcall',
    description:
      'Sent by a Rollcall whose `FORWARD_TO` is this one, while users move from one to the other. Each callback is processed ' +
      'with its original time of receipt; credentials and signatures are not checked again. Taking one twice changes nothing.',
  })
  @ApiOkResponse({
    type: ForwardedCallbacksResponse,
    description:
      'What became of each callback. All that are not `unavailable` are durable; if the quarantine is off, those that were ' +
      '`refused` are not.',
    example: { results: [{ outcome: 'applied' }] },
  })
  async take(
    @Body() { callbacks }: ForwardedCallbacksRequest,
    @Query() _: NoQuery,
  ): Promise<ForwardedCallbacksResponse> {
    return { results: await this.forwarded.take(callbacks) };
  }
}

function firstFault(callbacks: unknown): string | undefined {
  const all = Array.isArray(callbacks) ? callbacks : [];
  for (const [n, callback] of all.entries()) {
    const fault = forwardedFault(callback);
    if (fault !== undefined) return `[${n}] ${fault}`;
  }
  return undefined;
}
