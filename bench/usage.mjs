// The resource usage of a process.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Linux reports CPU time in hundredths of a second on every platform that Node supports. */
const TICKS_PER_SECOND = 100;

/** The CPU time of all threads in seconds, and the current and peak resident memory in kilobytes. */
export function usageOf(pid) {
  return existsSync(`/proc/${pid}/stat`) ? usageOnLinux(pid) : usageByPs(pid);
}

function usageOnLinux(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The program name comes first, in parentheses, and may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN);
  return {
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssKb: kilobytes('VmRSS'),
    peakKb: kilobytes('VmHWM'),
  };
}

/** On other systems, where the peak is not available: uses the current value. */
function usageByPs(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'rss=,time=', '-p', String(pid)], { encoding: 'utf8' });
  const [rss = '', time = ''] = stdout.trim().split(/\s+/);
  const cpuS = time.split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0);
  return { cpuS, rssKb: Number(rss), peakKb: Number(rss) };
}
