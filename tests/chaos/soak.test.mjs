// SPDX-License-Identifier: Apache-2.0
//
// Hours of the same work leave a server as it was: memory, descriptors and database stay
// level under refreshes and introspections (SOAK_SECONDS: 8; make test-chaos: 3600).
// The first quarter is for caches to fill; the last is held against the second.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { SLOW, sleep } from '../lib/latchkey.mjs';
import { load, quantile } from '../ops/load.mjs';
import { total, writers } from '../postgres/stage.mjs';

const SECONDS = Number(process.env.SOAK_SECONDS ?? 8) * SLOW;
const WAL_BOUND = 72 * 2 ** 20; // the log is begun anew at 64 MiB at the latest

const lk = await startCast({ conf: { log_level: 'warning' } });
after(() => lk.remove());

const size = (name) => fs.statSync(path.join(lk.data, name), { throwIfNoEntry: false })?.size ?? 0;
// What clients hold open is theirs: it is counted off.
const connections = async () => Number(/^latchkey_connections_open (\d+)/m.exec((await lk.health('/metrics')).text)[1]);
const look = async () => ({
	resident: Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${lk.child.pid}/status`, 'utf8'))[1]),
	descriptors: fs.readdirSync(`/proc/${lk.child.pid}/fd`).length - await connections(),
	threads: fs.readdirSync(`/proc/${lk.child.pid}/task`).length,
	database: size('latchkey.db'),
	log: size('latchkey.db-wal'),
});

test(`${SECONDS} s of refreshes and introspections: memory, descriptors, threads and database stay level`, async (t) => {
	let tokens = await lk.grant(lk.web);
	let granted = Date.now();
	const crowd = await writers(lk, 8);
	const stop = load(lk, () => tokens.access_token, [lk.port], 200 / SLOW);
	const running = crowd.map((w) => w.run());
	const seen = [];
	for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(Math.max(200, SECONDS * 5))) {
		seen.push(await look());
		if (Date.now() - granted > 300000) { // it lives for twice as long
			tokens = await lk.grant(lk.web);
			granted = Date.now();
		}
	}
	crowd.forEach((w) => { w.stopped = true; });
	await Promise.all(running);
	const { sent, wrong } = await stop();
	const quarter = Math.floor(seen.length / 4);
	const [second, last] = [seen.slice(quarter, 2 * quarter), seen.slice(3 * quarter)];
	const middle = (part, what) => quantile(part.map((s) => s[what]), 0.5);
	t.diagnostic(`${total(crowd, 'done')} refreshes, ${sent} introspections; `
		+ ['resident', 'descriptors', 'threads', 'database'].map((what) => `${what} ${middle(second, what)} -> ${middle(last, what)}`).join(', '));
	assert.deepEqual(wrong, []);
	crowd.forEach((w) => assert.deepEqual(w.faults, []));
	assert.ok(total(crowd, 'done') > SECONDS, 'there was work');
	assert.ok(middle(last, 'resident') <= 1.1 * middle(second, 'resident') + 1024, 'memory');
	assert.ok(middle(last, 'descriptors') <= middle(second, 'descriptors') + 4, 'descriptors');
	assert.equal(middle(last, 'threads'), middle(second, 'threads'), 'threads');
	assert.ok(middle(last, 'database') <= middle(second, 'database') + 65536, 'the database');
	assert.ok(seen.every((s) => s.log <= WAL_BOUND), 'the log');
});
