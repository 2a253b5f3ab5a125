// Measuring in rounds, and statistics of many measurements.

/**
 * Measures all variants once per round: other work on the machine then affects all of them alike, and a ratio within one
 * round is more reliable than one between separate runs. Resolves with the results of each variant, by key.
 */
export async function inTurns(rounds, variants, measure) {
  const results = Object.fromEntries(Object.keys(variants).map((key) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [key, variant] of Object.entries(variants)) results[key].push(await measure(variant, round));
  }
  return results;
}

/** The ratio of two variants in each round. */
export function ratios(results, others, figureOf) {
  return results.map((result, round) => figureOf(result) / figureOf(others[round]));
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `sorted`: in ascending order. */
export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** The number of requests without a successful response. */
export function failuresOf(results) {
  return results.reduce((sum, { failed }) => sum + failed, 0);
}
