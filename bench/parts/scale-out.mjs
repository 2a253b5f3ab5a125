// What it costs to scale out: a Redis Cluster instead of one server, and several services instead of one.
import { clusterCost } from '../cluster-cost.mjs';
import { nodeCost } from '../node-cost.mjs';

export async function scaleOut(sizes) {
  const cluster = await clusterCost(sizes);
  const nodes = await nodeCost(sizes);
  return {
    title: 'Scaling out',
    tables: [
      { text: CLUSTER_TEXT, rows: cluster.rows },
      { text: NODES_TEXT, rows: nodes.rows },
    ],
    samples: {},
    failed: cluster.failed + nodes.failed,
  };
}

const CLUSTER_TEXT = `One service on one Redis server and on a Redis Cluster of three primaries without replicas, all on the same cores, with 10,000
participants. *Per CPU second*: responses for each second of CPU time of the service and of all Redis servers together. Relative costs
compare with one server and one shard. What a cluster adds is that each batch and each read takes a command for each shard that it
touches. It pays where one server is not enough: its servers can use a core each.`;

const NODES_TEXT = `One, two and four services on one Redis, each loaded by its own wrk, with 64 connections together. The callbacks of a participant
go to the services in turn, as from a proxy that does not look at them. With a grace period of 200 ms, many deadlines pass
before the next callback. All figures from *round trips* on are for each callback. With 99 participants, each of them is always in the
work of several services, which is the worst case for conflicts. For the same load, more services have smaller batches, and so more
commands for each callback: that, rather than conflicts or deadlines, is what they cost.`;
