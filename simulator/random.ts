// Reproducible random numbers: the same seed gives the same numbers on every machine.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Returns a number from 0 up to, but not including, 1. */
export type Random = () => number;

/** One of the streams of a seed; streams with consecutive numbers are not correlated. */
export function randomOf(seed: number, stream: number): Random {
  const generator = xoroshiro128plus(mix(mix(seed) ^ mix(stream + 0x9e3779b9)));
  return () => uniformFloat64(generator);
}

/** Converts text to a seed. */
export function seedOf(text: string): number {
  return Buffer.from(text).reduce((hash, byte) => mix(hash ^ byte), 0x811c9dc5);
}

export function between(random: Random, min: number, max: number): number {
  return min + random() * (max - min);
}

/** Exponentially distributed, like the time until something that may happen at any moment. */
export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean;
}

/** A bijection of 32-bit numbers in which every output bit depends on every input bit: the finaliser of MurmurHash3. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
