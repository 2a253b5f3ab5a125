import { ApiProperty, ApiPropertyOptional } from '../../http/openapi/decorators.js';

const IDENTIFIER = { type: String, minLength: 1, maxLength: 256 } as const;
const SECONDS = { type: 'integer', minimum: 1e8, maximum: 1e11 - 1 } as const;

class JitsiOccupant {
  @ApiProperty({ ...IDENTIFIER, example: '14f01c40-5195-4a4d@meet.example.com/OWhl8jSh' })
  occupant_jid: string;

  @ApiPropertyOptional({
    type: String,
    maxLength: 256,
    example: 'alice',
    description: 'The id of the participant, from the JWT; if absent, `occupant_jid`. A number counts as its text.',
  })
  id?: string;

  @ApiProperty({ ...SECONDS, example: 1_790_000_001, description: 'Seconds since the epoch.' })
  joined_at: number;

  @ApiPropertyOptional({
    ...SECONDS,
    example: 1_790_000_061,
    description: 'When the occupant left, in seconds since the epoch; absent on a join.',
  })
  left_at?: number;
}

const ALICE = { occupant_jid: '14f01c40-5195-4a4d@meet.example.com/OWhl8jSh', id: 'alice', joined_at: 1_790_000_001 };

/** The members that are used, for the API document. */
export class JitsiCallback {
  @ApiProperty({
    example: 'muc-occupant-joined',
    description:
      '`muc-occupant-joined`, `muc-occupant-left` and `muc-room-destroyed` change presence, `muc-room-created` does not. Others ' +
      'are answered 202 as unknown.',
  })
  event_name: string;

  @ApiProperty({ ...IDENTIFIER, example: 'support-42', description: 'The scope and tag of the participant.' })
  room_name: string;

  @ApiPropertyOptional({
    ...IDENTIFIER,
    example: 'b0000000-0000-4000-8000-000000000001',
    description: 'The breakout room of `room_name` that the event is about.',
  })
  breakout_room_id?: string;

  @ApiPropertyOptional({
    type: JitsiOccupant,
    example: ALICE,
    description: 'Who joined or left. A `muc-occupant-left` without it is ignored.',
  })
  occupant?: JitsiOccupant;

  @ApiPropertyOptional({
    ...SECONDS,
    example: 1_790_000_401,
    description: 'Only in `muc-room-destroyed`: seconds since the epoch.',
  })
  destroyed_at?: number;

  @ApiPropertyOptional({
    type: [JitsiOccupant],
    example: [{ ...ALICE, left_at: 1_790_000_061 }],
    description:
      'Of `muc-room-destroyed`: everybody who was in the room. Those without `left_at` left when it was destroyed.',
  })
  all_occupants?: JitsiOccupant[];
}
