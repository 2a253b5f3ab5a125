// What a process has taken of the machine.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time of all its threads, kilobytes of resident memory and the most that it ever had of them. */
export function usageOf(pid) {
  return existsSync(`/proc/${pid}/stat`) ? usageOnLinux(pid) : usageByPs(pid);
}

function usageOnLinux(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name of the program comes first, in parentheses, and may have spaces and parentheses in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN);
  return {
    cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssKb: kilobytes('VmRSS'),
    peakKb: kilobytes('VmHWM'),
  };
}

/** Elsewhere, where the most is not told of: the present stands for it. */
function usageByPs(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'rss=,time=', '-p', String(pid)], { encoding: 'utf8' });
  const [rss = '', time = ''] = stdout.trim().split(/\s+/);
  const cpuS = time.split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0);
  return { cpuS, rssKb: Number(rss), peakKb: Number(rss) };
}
