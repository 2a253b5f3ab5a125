import { Controller, Inject, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiCreatedResponse, ApiOperation, ApiProblems, ApiProperty, ApiTags } from '../http/openapi/decorators.js';
import { TIME_EXAMPLE } from '../http/openapi/examples.js';
import { overloadedProblem, ProblemError } from '../http/problem.js';
import { NoQuery } from '../http/query-parameters.js';
import { requestLog } from '../http/request-log.js';
import { Access } from '../http/route-options.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { rfc3339 } from '../runtime/rfc3339.js';
import type { Storage } from '../storage/ports.js';
import { STORAGE } from '../storage/tokens.js';

const FILE_EXAMPLE = 'rollcall-backup.db';

class BackupResponse {
  @ApiProperty({ type: String, example: FILE_EXAMPLE, description: 'In DATA_DIR.' })
  file: string;

  @ApiProperty({ type: 'integer', example: 52_428_800 })
  bytes: number;

  @ApiProperty({
    format: 'date-time',
    example: TIME_EXAMPLE,
    description: 'Every event that was acknowledged before this time is in the backup.',
  })
  startedAt: string;
}

@ApiTags('operations')
@Controller('v1/backup')
export class BackupsController {
  constructor(
    @Inject(STORAGE) private readonly storage: Pick<Storage, 'backups'>,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Post()
  @Access('admin')
  @ApiOperation({
    operationId: 'makeBackup',
    summary: 'Make a backup of the SQLite database',
    description:
      'Writes a consistent copy into DATA_DIR, checks it, and then replaces the previous one. Callbacks are answered meanwhile. ' +
      '`npm run backup` uses this. With Redis, back up Redis instead.',
  })
  @ApiCreatedResponse({
    type: BackupResponse,
    description: 'The backup is complete.',
    example: { file: FILE_EXAMPLE, bytes: 52_428_800, startedAt: TIME_EXAMPLE },
  })
  @ApiProblems('not-configured', 'store-unavailable')
  async makeBackup(@Req() request: FastifyRequest, @Query() _: NoQuery): Promise<BackupResponse> {
    const { backups } = this.storage;
    if (!backups) throw new ProblemError('not-configured', { detail: 'Presence is stored in Redis: back up Redis.' });
    const startedAt = rfc3339(this.clock.now());
    const backup = await backups.make();
    if (backup === 'in-progress') throw overloadedProblem('Another backup is in progress: retry when it is complete.');
    requestLog(request).info(backup, 'a backup was made');
    return { ...backup, startedAt };
  }
}
