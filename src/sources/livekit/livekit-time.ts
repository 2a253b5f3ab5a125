// Times of LiveKit, in protocol buffers as JSON.

/** In milliseconds. 64-bit numbers are strings; 0 is the default, and means absent: undefined. NaN: not valid. */
export function timeOf(value: unknown, unitMs: 1 | 1_000): number | undefined {
  if (value === undefined || value === null || Number(value) === 0) return undefined;
  const isWhole = Number.isInteger(value) || (typeof value === 'string' && /^\d{1,14}$/.test(value));
  const timeMs = isWhole ? Number(value) * unitMs : Number.NaN;
  // The years 1973 to 5138: times in other units are outside.
  return timeMs >= 1e11 && timeMs < 1e14 ? timeMs : Number.NaN;
}
