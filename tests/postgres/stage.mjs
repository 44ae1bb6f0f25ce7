// SPDX-License-Identifier: Apache-2.0
//
// Clusters and nodes for what may go wrong between them.

import fs from 'node:fs';
import path from 'node:path';

import { cast } from '../lib/cast.mjs';
import { BINARY, Latchkey, freePort, random, sleep } from '../lib/latchkey.mjs';
import { Cluster, mustSql } from '../lib/postgres.mjs';

// What a standby waits for once it is the primary.
export const QUORUM = { synchronous_standby_names: 'ANY 1 (*)' };

// A cluster whose disk can be filled; its log is in small files, so that it soon wants another.
export const FILLABLE = {
	initdb: ['--wal-segsize=1'], layer: path.join(path.dirname(BINARY), 'tests/crash/libfull.so'),
};
const SMALL_LOG = { min_wal_size: '2MB', max_wal_size: '64MB', wal_retrieve_retry_interval: '200ms' };

// A primary and standbys that must acknowledge: any one of them. The first host of
// the URL that takes writes is used. how: FILLABLE.
export class Topology {
	static async start(standbys, settings = {}, how = {}) {
		const t = new Topology();
		t.primary = await Cluster.start({ ...how, settings: { wal_level: 'replica', wal_keep_size: '256MB', ...(how.layer && SMALL_LOG), ...settings } });
		t.standbys = [];
		for (let i = 0; i < standbys; i++)
			t.standbys.push(await t.primary.standby(`s${i}`, QUORUM));
		if (standbys > 0)
			await t.acknowledge(QUORUM.synchronous_standby_names);
		return t;
	}

	get all() {
		return [this.primary, ...this.standbys];
	}

	get url() {
		return `postgresql://latchkey@${this.all.map((c) => c.host).join(',')}/postgres`;
	}

	// What synchronous_standby_names says from now on.
	async acknowledge(names) {
		await mustSql(this.primary.url, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
		await mustSql(this.primary.url, 'SELECT pg_reload_conf()');
		await sleep(200);
	}

	async remove() {
		for (const c of this.all)
			await c.remove();
	}
}

// One more server beside the one that was made: the same keys and facts, another
// address.
export class Node extends Latchkey {
	static async beside(first, { env = {}, conf = {} } = {}) {
		const node = new Node({ env, conf: { ...first.conf, ...conf } });
		node.first = first;
		fs.cpSync(first.data, node.data, { recursive: true, filter: (name) => !/\.sock(\.\d+)?$/.test(name) });
		node.port = await freePort();
		node.adminPort = await freePort();
		node.issuer = first.issuer;
		node.ca = first.ca;
		const file = path.join(node.data, 'latchkey.conf');
		const kept = fs.readFileSync(file, 'utf8').split('\n')
			.filter((l) => !['health_listen', 'listen', ...Object.keys(conf)].includes(l.split(/[ =]/)[0])).join('\n');
		fs.writeFileSync(file, kept, { mode: 0o600 });
		node.configure({ health_listen: `127.0.0.1:${node.adminPort}`, ...conf });
		for (const name of ['web', 'web2', 'machine', 'api', 'ana', 'ben'])
			node[name] = first[name];
		await node.serve();
		return node;
	}

	get host() {
		return this.first?.host ?? super.host;
	}
}

export async function start(topology, options = {}) {
	return Latchkey.start({ database: topology.url, serve: ['--workers', '2'], ...options,
		prepare: async (made) => {
			await cast(made);
			await options.prepare?.(made);
		} });
}

// Refreshes one grant again and again, with a key for each: what it was told, and
// what it was not. A request whose answer is missing is repeated with its key.
export class Writer {
	constructor(lk, tokens) {
		Object.assign(this, { lk, tokens, done: 0, unknown: 0, faults: [] });
	}

	// Without a key a missing answer is the end of that grant; it begins another.
	async stepWithoutKey() {
		const answer = await this.lk.refresh(this.lk.web, this.tokens.refresh_token).catch(() => undefined);
		if (answer?.status === 200) {
			this.tokens = answer.json;
			this.done++;
		} else if (answer && answer.status !== 503) {
			this.faults.push(`${answer.status} ${answer.text}`);
			this.stopped = true;
		} else {
			this.unknown++;
			this.tokens = undefined;
			while (!this.tokens && !this.stopped)
				this.tokens = await this.lk.grant(this.lk.web).catch(() => sleep(100));
		}
	}

	async runWithoutKey() {
		while (!this.stopped)
			await this.stepWithoutKey();
	}

	async step() {
		const key = random();
		for (;;) {
			const asked = Date.now();
			const answer = await this.ask(key);
			if (answer?.status === 200) {
				this.tokens = answer.json;
				this.done++;
				return;
			}
			if (answer && answer.status !== 503) {
				this.faults.push(`${answer.status} ${answer.text}`);
				this.stopped = true;
				return;
			}
			this.unknown++;
			this.slowest = Math.max(this.slowest ?? 0, Date.now() - asked);
			await sleep(50);
			if (this.stopped)
				return;
		}
	}

	async ask(key) {
		try {
			return await this.lk.refresh(this.lk.web, this.tokens.refresh_token, {},
				{ headers: [['Idempotency-Key', key]] });
		} catch {
			return undefined; // no answer
		}
	}

	async run() {
		while (!this.stopped)
			await this.step();
	}
}

export async function writers(lk, n) {
	const all = [];
	for (let i = 0; i < n; i++)
		all.push(new Writer(lk, await lk.grant(lk.web)));
	return all;
}

export const total = (all, what) => all.reduce((sum, w) => sum + (w[what] ?? 0), 0);
