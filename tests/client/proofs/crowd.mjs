// SPDX-License-Identifier: Apache-2.0
//
// 64 processes with 8 threads each (crowd.c) want a token at the moment it runs out, or
// are all told at once that it is no good: one refresh, and one token for all (RULEBOOK
// CL-25). LONG=1 repeats it 200 times; over PostgreSQL 40 times at the end of a life.

import assert from 'node:assert/strict';

import { cast } from '../../lib/cast.mjs';
import { run, SLOW } from '../../lib/latchkey.mjs';
import { Strict } from '../strict.mjs';
import { Client, DATABASE, LONG, tool } from './client.mjs';
import { identity } from './https.mjs';
import { Middleman } from './middleman.mjs';

export const PROCESSES = 64;
export const THREADS = 8;
const LIFE = 2 * SLOW; // seconds, of every other token (crowd.c)
const LONG_LIFE = 3600;
const ROUNDS = LONG ? { expiry: DATABASE ? 40 : 200, refused: 200 } : { expiry: 2, refused: 10 };

// Where crowds come together: a Latchkey behind the middleman, a strict server, a client.
export async function stage() {
	const who = await identity();
	const man = await Middleman.start({ prepare: cast });
	const strict = await Strict.start(who);
	const client = await Client.make();
	return { man, strict, client, async remove() {
		await client.remove();
		await man.close();
		await strict.close();
		await who.remove();
	} };
}

export async function crowd(client, server, mode, { rounds = ROUNDS[mode], agent = false, env = {}, processes = PROCESSES } = {}) {
	let given = 0;
	server.expiresIn = () => (mode === 'expiry' && given++ % 2 === 1 ? LIFE : LONG_LIFE);
	const driver = await client.driver();
	const { name } = await driver.connect(server);
	await driver.end();
	const before = server.refreshes();
	const { status, stdout, stderr } = await run(tool('crowd'),
		[client.vault, name, processes, THREADS, rounds, mode, ...(agent ? [] : ['no-agent'])].map(String),
		{ env: { ...client.env, ...env }, timeoutMs: (20 + rounds * (LIFE + 10)) * 1000 });
	assert.equal(status, 0, stderr);
	const lines = stdout.trim().split('\n').map((line) => JSON.parse(line));
	return { lines, rounds, refreshes: server.refreshes() - before, wanted: rounds * (mode === 'expiry' ? 2 : 1) };
}

export function judge(t, { lines, rounds, refreshes, wanted }) {
	const all = lines[0].crowd;
	t.diagnostic(`${rounds} rounds of ${all}, ${refreshes} refreshes, the slowest answer after ${Math.max(...lines.map((l) => l.slowest_ms))} ms`);
	for (const line of lines)
		assert.deepEqual({ ok: line.ok, distinct: line.distinct, old: line.old }, { ok: all, distinct: 1, old: 0 }, JSON.stringify(line));
	assert.equal(lines.length, rounds);
	assert.equal(refreshes, wanted, 'one refresh a round reaches the server, and where it needs one, the one before it');
}
