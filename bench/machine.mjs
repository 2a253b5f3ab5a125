// Describes the machine: enough to know whether figures are comparable, but nothing that identifies it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { findProgram } from '../scripts/program.mjs';

export function describeMachine() {
  const cores = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  return [
    `${cores.length} cores (${cores[0]?.model.trim()}), ${memoryGib} GiB of memory, ${platform()} on ${arch()}`,
    `Node ${process.versions.node}, Redis ${versionOf(findProgram('redis-server'), '--version')}, libsql ${libsqlVersion()}, wrk ${versionOf('wrk', '-v')}`,
    `load average of the machine before (one minute): ${loadavg()[0].toFixed(2)}`,
  ];
}

function versionOf(command, flag) {
  const { stdout } = spawnSync(command, [flag], { encoding: 'utf8' });
  return /\d+\.\d+[.\d]*/.exec(stdout)?.[0] ?? '(unknown version)';
}

function libsqlVersion() {
  return JSON.parse(readFileSync(new URL('../node_modules/libsql/package.json', import.meta.url), 'utf8')).version;
}
