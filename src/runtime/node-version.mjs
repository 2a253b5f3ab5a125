// Plain JavaScript that every Node.js since 14 can load: it has to run where the rest cannot be loaded, and before
// anything is built or installed.

/**
 * Why this version of Node.js cannot run Rollcall, or undefined. The minimum is the first of `engines` in package.json.
 * @param {string} version like process.versions.node
 * @returns {string | undefined}
 */
export function nodeVersionProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `Rollcall needs Node.js 20.19 or later, and this is ${version}: install a newer one (https://nodejs.org)`;
}
