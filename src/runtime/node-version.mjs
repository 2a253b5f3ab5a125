// Plain JavaScript that Node.js 14 and later can load: it runs on versions that cannot load the rest, and before
// anything is built or installed.

/**
 * Why this version of Node.js cannot run Rollcall, or undefined. The minimum is the first range of `engines` in
 * package.json.
 * @param {string} version in the format of process.versions.node
 * @returns {string | undefined}
 */
export function nodeVersionProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `Rollcall needs Node.js 20.19 or later, and this is ${version}: install a newer one (https://nodejs.org)`;
}
