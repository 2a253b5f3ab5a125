// A change that a receiver announced by itself.

export interface Announcement {
  readonly participantId: string;
  readonly what: 'came' | 'gone';
  readonly atMs: number;
}
