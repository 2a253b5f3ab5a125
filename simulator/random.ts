// Chance that repeats: the same seed, the same numbers, on every machine.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** From 0 up to, not including, 1. */
export type Random = () => number;

/** One of the streams of a seed; those of neighbouring numbers have nothing to do with each other. */
export function randomOf(seed: number, stream: number): Random {
  const generator = xoroshiro128plus(mix(mix(seed) ^ mix(stream + 0x9e3779b9)));
  return () => uniformFloat64(generator);
}

/** A seed as people like to give it. */
export function seedOf(text: string): number {
  return Buffer.from(text).reduce((hash, byte) => mix(hash ^ byte), 0x811c9dc5);
}

export function between(random: Random, least: number, most: number): number {
  return least + random() * (most - least);
}

/** A bijection of 32-bit numbers whose every bit depends on every other: the finaliser of MurmurHash3. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
