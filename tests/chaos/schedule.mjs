// SPDX-License-Identifier: Apache-2.0
//
// What happens to three databases and three servers, decided by a seed alone, and how
// each of it is done. The same seed gives the same schedule.

import net from 'node:net';

import { chance } from '../crash/powercut.mjs';
import { faketimeOff, sleep } from '../lib/latchkey.mjs';
import { failOver } from './failover.mjs';

// [what, how often beside the others]
const EVENTS = [
	['kill a server', 18], ['freeze a server', 14], ['restart a server', 12], ['freeze the primary', 10],
	['cut a server off', 14], ['another clock', 12], ['new keys', 8], ['kill the primary', 8],
	['kill a silenced primary', 4], ['fill the disk of the primary', 6], ['leave no room for its log', 6],
];
const CLOCKS = ['+120s', '-120s', '-3600s', '+0s'];

export function schedule(seed, count) {
	const random = chance(seed);
	const pick = (list) => list[Math.floor(random() * list.length)];
	const one = () => {
		let at = random() * EVENTS.reduce((sum, [, n]) => sum + n, 0);
		const [what] = EVENTS.find(([, n]) => (at -= n) < 0) ?? EVENTS[0];
		return {
			what, server: Math.floor(random() * 3), clock: pick(CLOCKS),
			ms: Math.round(300 + random() * 2200), pause: Math.round(300 + random() * 900),
		};
	};
	return Array.from({ length: count }, one);
}

// A way to a database that can be cut: nothing passes and nothing is told.
export class Way {
	static async to(port) {
		const way = new Way();
		way.cut = false;
		way.pairs = new Set();
		way.server = net.createServer((near) => {
			const far = net.connect(port, '127.0.0.1');
			const pair = [near, far];
			way.pairs.add(pair);
			for (const [from, to] of [[near, far], [far, near]]) {
				from.on('data', (b) => { if (!way.cut) to.write(b); });
				from.on('error', () => {});
				from.on('close', () => { if (!way.cut) to.destroy(); way.pairs.delete(pair); });
			}
		});
		await new Promise((resolve) => way.server.listen(0, '127.0.0.1', resolve));
		way.port = way.server.address().port;
		return way;
	}

	// Healed: what was held back is gone, as with a link whose packets were dropped for
	// so long that both ends gave up.
	heal() {
		this.cut = false;
		for (const [near, far] of this.pairs) {
			near.destroy();
			far.destroy();
		}
		this.pairs.clear();
	}

	close() {
		this.heal();
		this.server.close();
	}
}

const DEEDS = {
	async 'kill a server'({ nodes, node, ms }) {
		node.child.kill('SIGKILL');
		await node.exit;
		await sleep(ms / 4);
		await nodes.serve(node);
	},
	async 'freeze a server'({ node, ms }) {
		node.child.kill('SIGSTOP');
		await sleep(ms);
		node.child.kill('SIGCONT');
	},
	async 'restart a server'({ nodes, node }) {
		node.child.kill('SIGTERM');
		await node.exit;
		await nodes.serve(node);
	},
	async 'freeze the primary'({ nodes, ms }) {
		const { primary } = nodes.topology;
		const all = primary.processes();
		primary.signal('SIGSTOP', all);
		await sleep(ms);
		primary.signal('SIGCONT', all);
	},
	async 'cut a server off'({ nodes, ms }) {
		nodes.ways.forEach((way) => { way.cut = true; });
		await sleep(ms * 2);
		nodes.ways.forEach((way) => way.heal());
	},
	async 'another clock'({ nodes, node, clock }) {
		node.env = { ...node.env, ...await faketimeOff(clock) };
		node.child.kill('SIGTERM');
		await node.exit;
		await nodes.serve(node);
	},
	async 'new keys'({ nodes }) {
		await nodes.lk.command('key', 'rotate');
	},
	async 'kill the primary'({ nodes }) {
		await failOver(nodes.topology);
	},
	async 'kill a silenced primary'({ nodes }) {
		await failOver(nodes.topology, { stall: 1000 });
	},
	async 'fill the disk of the primary'({ nodes, ms }) {
		nodes.topology.primary.fill();
		await sleep(ms * 2);
		await nodes.topology.primary.empty();
	},
	async 'leave no room for its log'({ nodes, ms }) {
		await nodes.topology.primary.fillLog();
		await sleep(ms * 2);
		await nodes.topology.primary.empty();
	},
};

export async function perform(nodes, event) {
	const node = nodes.all[event.server];
	await DEEDS[event.what]({ ...event, nodes, node });
	await sleep(event.pause);
}
