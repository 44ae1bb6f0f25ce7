// SPDX-License-Identifier: Apache-2.0
//
// R6.8: storage does not grow with refreshes. REFRESHES sets how many (default
// what fits a test run; 100000 for the full figure). And an idle server is small.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { close, startCast } from '../lib/cast.mjs';
import { SLOW, address } from '../lib/latchkey.mjs';

const REFRESHES = Number(process.env.REFRESHES ?? Math.floor(20000 / SLOW));
const CHAINS = 16;
const lk = await startCast({ conf: { log_level: 'notice' } });

function size() {
	const files = fs.readdirSync(lk.data).filter((f) => /\.db|sqlite/.test(f));
	return Object.fromEntries(files.map((f) => [f.replace(/^.*(?=-wal|-shm)/, ''), fs.statSync(path.join(lk.data, f)).size]));
}

async function chain(tokens, count) {
	const from = address();
	for (let i = 0; i < count; i++) {
		const answer = await lk.refresh(lk.web, tokens.refresh_token, {}, { from });
		if (answer.status !== 200)
			throw new Error(String(answer));
		tokens = answer.json;
	}
	return tokens;
}

// After a clean stop everything is in the one file.
async function restingSize() {
	await lk.stop();
	const sizes = size();
	await lk.serve();
	return sizes;
}

test(`R6.8 ${REFRESHES} refreshes leave the database as large as it was`, async () => {
	let chains = [];
	for (let i = 0; i < CHAINS; i++)
		chains.push(await lk.grant(lk.web));
	chains = await Promise.all(chains.map((t) => chain(t, 20)));
	const before = await restingSize();
	const started = Date.now();
	chains = await Promise.all(chains.map((t) => chain(t, Math.ceil(REFRESHES / CHAINS))));
	const seconds = (Date.now() - started) / 1000;
	const during = size();
	const after = await restingSize();
	const total = (s) => Object.values(s).reduce((a, b) => a + b, 0);
	assert.ok(total(after) <= total(before), `${JSON.stringify(before)} became ${JSON.stringify(after)}`);
	assert.ok((during['-wal'] ?? 0) < 64 << 20, `the log grew to ${during['-wal']} bytes`);
	for (const t of chains)
		assert.equal(await lk.active(t.access_token), true);
	process.stderr.write(`# ${REFRESHES} refreshes in ${seconds.toFixed(1)} s: ${JSON.stringify(before)} before, ${JSON.stringify(after)} after\n`);
});

test('an idle server holds less than 10 MB', { skip: SLOW > 1 && 'sanitizers need memory of their own' }, async () => {
	await lk.stop();
	await lk.serve();
	const held = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${lk.child.pid}/status`, 'utf8'))[1]);
	assert.ok(held < 10000, `${held} kB`);
});

close(lk);
