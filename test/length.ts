/**
 * The length of random histories and loads: `short` for npm test, `long` for npm run test:long. npm run test:unit, which is run after
 * each change, and npm run mutation, which runs the tests of the rules about a thousand times, use even shorter ones.
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
