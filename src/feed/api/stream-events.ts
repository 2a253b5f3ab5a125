// OpenAPI schemas of the stream's events. OpenAPI 3.1 cannot describe a sequence, so the schema of `text/event-stream` is
// that of one event as a client receives it, with `data` as JSON text.

import { CHANGE_TYPES, type ChangeType } from '../../domain/change.js';
import { ApiExtraModels, ApiProperty } from '../../http/openapi/decorators.js';
import { POSITION_EXAMPLE } from '../../http/openapi/examples.js';
import { CHANGE_DATA_EXAMPLE, NEXT_POSITION_EXAMPLE } from './change-examples.js';
import { ChangeResponse } from './change-response.js';

class PositionResponse {
  @ApiProperty({ example: POSITION_EXAMPLE, description: 'The same as the `id` of the event.' })
  position: string;
}

const schemaOf = ({ name }: { name: string }) => ({ $ref: `#/components/schemas/${name}` });
const Id = (example: string) =>
  ApiProperty({ example, description: 'A position: send it as `Last-Event-ID` to resume after this event.' });
const Data = (of: { name: string }, example: string) => {
  const json = { contentMediaType: 'application/json', contentSchema: schemaOf(of) };
  return ApiProperty({ ...json, example, description: `A ${of.name} as JSON text, on one line.` });
};
const POSITION_DATA_EXAMPLE = JSON.stringify({ position: POSITION_EXAMPLE });

@ApiExtraModels(ChangeResponse)
class ChangeEvent {
  @Id(NEXT_POSITION_EXAMPLE)
  id: string;

  @ApiProperty({ enum: CHANGE_TYPES, example: 'participant.connected', description: 'The type of the change.' })
  event: ChangeType;

  @Data(ChangeResponse, CHANGE_DATA_EXAMPLE)
  data: string;
}

@ApiExtraModels(PositionResponse)
class PositionEvent {
  @Id(POSITION_EXAMPLE)
  id: string;

  @ApiProperty({
    enum: ['position'],
    example: 'position',
    description: 'The stream has read the feed up to here; no change since the last event matched the filter.',
  })
  event: 'position';

  @Data(PositionResponse, POSITION_DATA_EXAMPLE)
  data: string;
}

@ApiExtraModels(PositionResponse)
class ResetEvent {
  @Id(POSITION_EXAMPLE)
  id: string;

  @ApiProperty({
    enum: ['reset'],
    example: 'reset',
    description: 'Changes were missed that are no longer stored. The stream ends: list the participants again.',
  })
  event: 'reset';

  @Data(PositionResponse, POSITION_DATA_EXAMPLE)
  data: string;
}

export const STREAM_EVENTS = [ChangeEvent, PositionEvent, ResetEvent];
export const STREAM_EVENT_SCHEMA = { oneOf: STREAM_EVENTS.map(schemaOf) };
