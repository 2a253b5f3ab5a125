import { createSimulator, type Simulator } from '../../simulator/simulator.js';
import { closeOnce } from '../leftovers.js';

/** Starts the simulator on a free loopback port. */
export async function startSimulator(
  settings: Parameters<typeof createSimulator>[0],
): Promise<{ simulator: Simulator; url: string }> {
  const created = await createSimulator(settings);
  const simulator = { ...created, close: closeOnce(() => created.close()) };
  return { simulator, url: await simulator.listen(0, '127.0.0.1') };
}
