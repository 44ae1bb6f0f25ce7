// SPDX-License-Identifier: Apache-2.0
//
// 4,000 slow connections, 1,000 endless bodies and 500 parallel sign-ins with wrong
// passwords at once: honest introspections go on, none refused, and memory is bounded.
// What it does to their times is told as a ratio within the run (LONG=1: judged), since
// attackers, honest and server share the processors here.

import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startCast } from '../lib/cast.mjs';
import { SLOW, sleep } from '../lib/latchkey.mjs';
import { quantile } from '../ops/load.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const LONG = process.env.LONG === '1';
const [SLOWLY, ENDLESS, SIGN_INS] = [4000, 1000, 500].map((n) => Math.floor(n / SLOW));
// 1,000 bodies of 64 KiB with their TLS, and a few password checks of 19 MiB.
const MEMORY_KB = 384 * 1024 * SLOW;

const lk = await startCast({ serve: ['--workers', '2'] });
const children = [];
after(async () => {
	children.forEach((c) => c.kill('SIGKILL'));
	await lk.remove();
});

function child(file, ...args) {
	const c = fork(path.join(HERE, file), args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
	children.push(c);
	c.next = () => new Promise((resolve) => c.once('message', resolve));
	return c;
}

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${lk.child.pid}/status`, 'utf8'))[1]);

async function stretch(honest, ms) {
	honest.send('go');
	await sleep(ms);
	honest.send('stop');
	return honest.next();
}

test('slow connections, endless bodies, wrong passwords: honest requests go on', async (t) => {
	const { access_token } = await lk.grant(lk.web);
	const ca = lk.ca.toString('base64');
	const honest = child('honest.mjs');
	await honest.next();
	honest.send({ lk: { api: lk.api, port: lk.port, host: lk.host, ca }, token: access_token, rate: 50 });
	await stretch(honest, 1000); // warm
	const idle = await stretch(honest, LONG ? 15000 : 3000);
	const before = resident();
	const attacker = child('attacker.mjs', JSON.stringify({ port: lk.port, host: lk.host, ca, slow: SLOWLY, endless: ENDLESS, signIns: SIGN_INS, username: lk.ben.username }));
	let counts = {};
	attacker.on('message', (m) => { counts = m; });
	await lk.eventually('the attack is under way', () => counts.slow >= SLOWLY * 0.9 && counts.endless > ENDLESS / 4, 60000 * SLOW);
	let most = 0;
	const watch = setInterval(() => { most = Math.max(most, resident()); }, 200);
	const attacked = await stretch(honest, LONG ? 30000 : 5000);
	clearInterval(watch);
	attacker.kill('SIGKILL');
	const [calm, busy] = [idle, attacked].map((s) => quantile(s.ms, 0.99));
	t.diagnostic(`${counts.slow} slow, ${counts.endless} endless, ${counts.signIns} wrong passwords; honest: ${attacked.ms.length} of ${attacked.sent} good, `
		+ `p99 ${calm.toFixed(1)} ms calm, ${busy.toFixed(1)} ms attacked (${(busy / calm).toFixed(1)} x); resident ${before} kB, ${most} kB at most`);
	assert.deepEqual(idle.wrong, []);
	assert.deepEqual(attacked.wrong, []);
	assert.ok(most < MEMORY_KB, `${most} kB`);
	if (LONG)
		assert.ok(busy <= 3 * calm, `${busy} ms against ${calm} ms`);
});
