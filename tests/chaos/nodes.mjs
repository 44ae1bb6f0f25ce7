// SPDX-License-Identifier: Apache-2.0
//
// Three PostgreSQL, any one standby of which must acknowledge, and three servers
// before them. Whoever connects through `lk` gets the next of those that run. With
// cuttable, the third server reaches the databases by ways that can be cut, and their
// disks can be filled.

import { Connection, sleep } from '../lib/latchkey.mjs';
import { FILLABLE, Node, Topology, start } from '../postgres/stage.mjs';
import { Way } from './schedule.mjs';

export class Nodes {
	static async start({ prepare, cuttable = false } = {}) {
		const n = new Nodes();
		n.topology = await Topology.start(2, { max_connections: 100 }, cuttable ? FILLABLE : {});
		n.lk = await start(n.topology, { prepare });
		n.ways = cuttable ? await Promise.all(n.topology.all.map((c) => Way.to(c.port))) : [];
		const hosts = n.ways.map((way) => `127.0.0.1:${way.port}`).join(',');
		n.all = [n.lk, await Node.beside(n.lk),
			await Node.beside(n.lk, cuttable ? { conf: { database: `postgresql://latchkey@${hosts}/postgres` } } : {})];
		n.at = 0;
		n.lk.connect = (options = {}) => n.connect(options);
		return n;
	}

	// Round robin over those that listen: a balancer's work, done by the test.
	async connect(options) {
		let failed;
		for (let i = 0; i < this.all.length; i++) {
			const node = this.all[this.at++ % this.all.length];
			try {
				return await Connection.open({ host: '127.0.0.1', port: node.port, ca: this.lk.ca, from: this.lk.from, ...options });
			} catch (error) {
				failed = error;
			}
		}
		throw failed;
	}

	// Again, for a database may not be there yet.
	async serve(node) {
		for (let left = 20; ; left--)
			try {
				await node.serve();
				return;
			} catch (error) {
				if (left === 0)
					throw error;
				await sleep(250);
			}
	}

	async remove() {
		this.ways.forEach((way) => way.close());
		for (const node of this.all.slice(1))
			await node.remove();
		await this.lk.remove();
		await this.topology.remove();
	}
}
