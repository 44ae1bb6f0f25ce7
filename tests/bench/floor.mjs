// SPDX-License-Identifier: Apache-2.0
//
// PostgreSQL's own floor, by its own tool: pgbench updates (or selects) one random
// row of a table by its primary key, prepared, over TCP like our nodes. The table
// has as many rows of the same width as `grants`, and the same room on its pages;
// its key is shorter, and nothing is decided or compared.

import fs from 'node:fs';
import path from 'node:path';
import { execFileSync, spawn } from 'node:child_process';

import { findBin, mustSql } from '../lib/postgres.mjs';
import { SECONDS } from './measure.mjs';

const LONG = { timeoutMs: 3600000 };
const one = async (url, statement) => Number((await mustSql(url, statement, LONG))[0][0]);
const width = (table) => `SELECT round(avg(pg_column_size(t.*))) FROM (SELECT * FROM ${table} LIMIT 10000) t`;

export class Floor {
	// A table as large as those grants; what is written are the 53 bytes that a refresh writes.
	static async beside(cluster, url, dir) {
		const floor = new Floor();
		Object.assign(floor, { cluster, dir, rows: await one(url, 'SELECT count(*) FROM grants') });
		floor.width = await one(url, width('grants'));
		await floor.make(floor.width - 24 - 16 - 53);
		const off = floor.width - await one(cluster.url, width('floor'));
		await floor.make(floor.width - 24 - 16 - 53 + off);
		const set = `\\set n random(1, ${floor.rows})\n`;
		floor.script('update', `${set}UPDATE floor SET pulse = int8send(:n) || '\\x${'a5'.repeat(45)}'::bytea WHERE id = :n;\n`);
		floor.script('select', `${set}SELECT * FROM floor WHERE id = :n;\n`);
		return floor;
	}

	async make(rest) {
		await mustSql(this.cluster.url, 'DROP TABLE IF EXISTS floor');
		await mustSql(this.cluster.url, 'CREATE TABLE floor (id bigint PRIMARY KEY, pulse bytea, rest text) WITH (fillfactor = 85)');
		await mustSql(this.cluster.url, `INSERT INTO floor SELECT n, repeat('x', 53)::bytea, repeat('y', ${rest}) FROM generate_series(1, ${this.rows}) n`, LONG);
		await mustSql(this.cluster.url, 'VACUUM ANALYZE floor', LONG);
	}

	script(name, text) {
		fs.writeFileSync(path.join(this.dir, `${name}.sql`), text);
	}

	// {per_second} of so many clients in one thread.
	run(name, clients) {
		const child = spawn(path.join(findBin(), 'pgbench'), ['-n', '-M', 'prepared', '-h', '127.0.0.1', '-p', String(this.cluster.port),
			'-U', 'latchkey', '-f', path.join(this.dir, `${name}.sql`), '-c', String(clients), '-j', '1', '-T', String(SECONDS), 'postgres']);
		let out = '';
		child.stdout.on('data', (b) => { out += b; });
		child.stderr.on('data', (b) => { out += b; });
		return new Promise((resolve, reject) => child.on('close', () => {
			const tps = /^tps = ([\d.]+)/m.exec(out);
			if (tps)
				resolve({ per_second: Number(tps[1]) });
			else
				reject(new Error(`pgbench: ${out}`));
		}));
	}
}

const TICK_US = 1e6 / Number(execFileSync('getconf', ['CLK_TCK']));

// Microseconds of CPU that the processes of a cluster have had, those that ended too.
export function clusterCpu(cluster) {
	let ticks = 0;
	for (const pid of cluster.processes()) {
		const file = `/proc/${pid}/stat`;
		const fields = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split(') ').at(-1).split(' ') : [];
		const [own, system, children, theirs] = fields.slice(11, 15).map(Number);
		ticks += (own + system || 0) + (pid === cluster.child.pid ? children + theirs : 0);
	}
	return ticks * TICK_US;
}
