/**
 * How much of a random history or a load is run: `short` by npm test, `long` by npm run test:long. npm run mutation runs the
 * tests of the rules a thousand times, and less of each.
 */
export function lengthOf(short: number, long: number): number {
  switch (process.env.TEST_LENGTH) {
    case 'long':
      return long;
    case 'brief':
      return Math.ceil(short / 5);
    default:
      return short;
  }
}
