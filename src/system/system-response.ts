import { SCOPES, type Scope } from '../auth/api-keys.js';
import { ApiProperty, ApiPropertyOptional } from '../http/openapi/decorators.js';

const VERSION_EXAMPLE = '0.1.0';
const URL_EXAMPLE = 'https://rollcall.example.com';
const CALLBACK_EXAMPLE = '2026-11-23T09:30:00.020Z';
const OLDEST_EXAMPLE = '2026-11-22T09:30:00.000Z';
const MAX_BYTES_EXAMPLE = 268_435_456;

class SystemSourceResponse {
  @ApiProperty({ type: String, example: 'bandwidth' })
  name: string;

  @ApiProperty({ type: String, example: 'bandwidth', description: 'The format of its callbacks.' })
  dialect: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: CALLBACK_EXAMPLE,
    description:
      'When the last callback with valid credentials was received by the process that answers this request; absent if there ' +
      'was none since it started.',
  })
  lastCallbackAt?: string;
}

class SystemFeedResponse {
  @ApiProperty({ type: 'integer', example: 48_120, description: 'The total size of the changes in it.' })
  bytes: number;

  @ApiProperty({ type: 'integer', example: MAX_BYTES_EXAMPLE, description: 'FEED_MAX_BYTES.' })
  maxBytes: number;

  @ApiProperty({ type: 'integer', example: 86_400_000, description: 'FEED_RETENTION_MS.' })
  retentionMs: number;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: OLDEST_EXAMPLE,
    description: 'When the oldest change in it was committed; absent if there was none yet.',
  })
  oldestAt?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time', example: CALLBACK_EXAMPLE, description: 'The newest one.' })
  newestAt?: string;
}

class SystemAccessResponse {
  @ApiPropertyOptional({
    type: String,
    example: 'ops',
    description: 'The name of the API key; absent if the request had none that is known.',
  })
  key?: string;

  @ApiProperty({
    type: [String],
    enum: SCOPES,
    example: ['read', 'admin'],
    description: 'What the caller may do. All of them if requests need no key.',
  })
  scopes: Scope[];
}

export class SystemResponse {
  @ApiProperty({ type: String, example: VERSION_EXAMPLE })
  version: string;

  @ApiProperty({ enum: ['sqlite', 'redis'], example: 'redis', description: 'Where presence is stored.' })
  store: 'sqlite' | 'redis';

  @ApiProperty({ type: Boolean, example: true, description: 'Whether history is kept.' })
  history: boolean;

  @ApiPropertyOptional({ type: String, example: URL_EXAMPLE, description: 'PUBLIC_URL, if it is set.' })
  publicUrl?: string;

  @ApiProperty({ type: [SystemSourceResponse], description: 'In the order of SOURCES.' })
  sources: SystemSourceResponse[];

  @ApiProperty({ type: SystemFeedResponse, description: 'The change feed.' })
  feed: SystemFeedResponse;

  @ApiProperty({ type: SystemAccessResponse })
  access: SystemAccessResponse;
}

export const SYSTEM_EXAMPLE: SystemResponse = {
  version: VERSION_EXAMPLE,
  store: 'redis',
  history: true,
  publicUrl: URL_EXAMPLE,
  sources: [{ name: 'bandwidth', dialect: 'bandwidth', lastCallbackAt: CALLBACK_EXAMPLE }],
  feed: {
    bytes: 48_120,
    maxBytes: MAX_BYTES_EXAMPLE,
    retentionMs: 86_400_000,
    oldestAt: OLDEST_EXAMPLE,
    newestAt: CALLBACK_EXAMPLE,
  },
  access: { key: 'ops', scopes: ['read', 'admin'] },
};
