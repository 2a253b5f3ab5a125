// Measuring in turns, and what is said of many measurements.

/**
 * Measures each of the contestants once, and all of them again, round after round: what the machine does meanwhile befalls
 * all alike, and a ratio within one round is worth more than one of two runs. Resolves with the results of each, by its key.
 */
export async function inTurns(rounds, contestants, measure) {
  const results = Object.fromEntries(Object.keys(contestants).map((key) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [key, contestant] of Object.entries(contestants)) results[key].push(await measure(contestant, round));
  }
  return results;
}

/** Of each round, that of one to that of the other. */
export function ratios(results, others, figureOf) {
  return results.map((result, round) => figureOf(result) / figureOf(others[round]));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Of values in order. */
export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** How many requests had no good answer. */
export function failuresOf(results) {
  return results.reduce((sum, { failed }) => sum + failed, 0);
}
