// SPDX-License-Identifier: Apache-2.0
//
// 4,000 slow connections, 1,000 endless bodies and 500 parallel sign-ins with wrong
// passwords at once: honest introspections and refreshes go on, none refused, and memory
// stays below a bound that follows from the limits (see mostKb).
//
// LONG=1 also judges their times. Attackers, server and honest clients are on one machine,
// so what they take from each other there must not be taken for what the server takes: one
// processor belongs to the attackers, another to the server (one worker) and the honest
// clients. Attackers work as hard in the calm they are compared with, but on a second
// server, on their own processor. What is left between the two is what an attack makes
// our server do: p99 may be three times as long. Memory is watched for 30 s, two turns of
// the bodies: the second half may not have more than the first.

import assert from 'node:assert/strict';
import { execFileSync, fork } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startCast } from '../lib/cast.mjs';
import { SLOW, sleep } from '../lib/latchkey.mjs';
import { quantile } from '../ops/load.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const LONG = process.env.LONG === '1';
const SECONDS = LONG ? 30 : 5;
const [SLOWLY, ENDLESS, SIGN_INS] = [4000, 1000, 500].map((n) => Math.floor(n / SLOW));

// What each of them can make the server hold, in KiB: a connection without TLS; OpenSSL's
// part of one whose handshake goes on; a body, whose buffer doubles beyond body_limit; a
// password check (crypto/password.c), one for every second processor (server/hasher.c).
const COST = { connection: 2, tls: 48, body: 2 * 64, password: 19 * 1024 };
const mostKb = SLOW * (SLOWLY * COST.connection + (ENDLESS + SIGN_INS) * COST.tls + ENDLESS * COST.body
	+ Math.ceil(os.cpus().length / 2) * COST.password);

// The processors we may use; apart: the attackers' and ours.
const [THEIRS, OURS] = /Cpus_allowed_list:\s+(\S+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]
	.split(',').flatMap((r) => { const [a, b = a] = r.split('-').map(Number); return Array.from({ length: b - a + 1 }, (_, i) => a + i); });
const APART = LONG && OURS !== undefined;

const servers = [];
const children = [];
after(async () => {
	children.forEach((c) => c.kill('SIGKILL'));
	for (const lk of servers)
		await lk.remove();
});

// A server on that processor, with as many workers as there are.
async function serverOn(cpu) {
	const lk = await startCast({ serve: ['--workers', APART ? '1' : '2'] });
	servers.push(lk);
	if (APART)
		execFileSync('taskset', ['-a', '-c', '-p', String(cpu), String(lk.child.pid)], { stdio: 'ignore' });
	return lk;
}

function childOn(cpu, file, ...args) {
	const apart = APART ? { execPath: 'taskset', execArgv: ['-c', String(cpu), process.execPath] } : {};
	const c = fork(path.join(HERE, file), args, { ...apart, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
	children.push(c);
	c.next = () => new Promise((resolve) => c.once('message', resolve));
	return c;
}

async function attack(lk) {
	const attacker = childOn(THEIRS, 'attacker.mjs', JSON.stringify({ port: lk.port, host: lk.host,
		ca: lk.ca.toString('base64'), slow: SLOWLY, endless: ENDLESS, signIns: SIGN_INS, username: lk.ben.username }));
	attacker.counts = {};
	attacker.on('message', (m) => { attacker.counts = m; });
	await lk.eventually('the attack is under way', () => attacker.counts.slow >= SLOWLY * 0.9
		&& attacker.counts.endless >= ENDLESS * 0.9, 60000 * SLOW);
	return attacker;
}

const resident = (lk) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${lk.child.pid}/status`, 'utf8'))[1]);

// What the honest see in that time; watch is told the second every 200 ms.
async function stretch(honest, seconds, watch = () => {}) {
	const began = Date.now();
	const timer = setInterval(() => watch((Date.now() - began) / 1000), 200);
	honest.send('go');
	await sleep(seconds * 1000);
	honest.send('stop');
	clearInterval(timer);
	return honest.next();
}

const p99 = (seen) => ['introspect', 'refresh'].map((what) => quantile(seen[what], 0.99));
const told = ([introspect, refresh]) => `${introspect.toFixed(1)} / ${refresh.toFixed(1)} ms`;

test('slow connections, endless bodies, wrong passwords: honest requests go on', async (t) => {
	const lk = await serverOn(OURS);
	const other = APART ? await serverOn(THEIRS) : undefined;
	const honest = childOn(OURS, 'honest.mjs');
	await honest.next();
	const chains = [];
	for (let i = 0; i < 20; i++)
		chains.push((await lk.grant(lk.web)).refresh_token);
	const { access_token } = await lk.grant(lk.web);
	honest.send({ lk: { api: lk.api, web: lk.web, port: lk.port, host: lk.host, ca: lk.ca.toString('base64') }, token: access_token, chains, rate: 50 });
	await stretch(honest, 1); // warm
	const quiet = await stretch(honest, LONG ? SECONDS : 2);
	let calm = quiet;
	if (APART) {
		const elsewhere = await attack(other);
		calm = await stretch(honest, SECONDS);
		elsewhere.kill('SIGKILL');
		await other.stop();
	}
	const before = resident(lk);
	const attacker = await attack(lk);
	const memory = [];
	const attacked = await stretch(honest, SECONDS, (second) => { memory.push([second, resident(lk)]); });
	attacker.kill('SIGKILL');
	const most = (from, to) => Math.max(...memory.filter(([s]) => s >= from && s < to).map(([, kb]) => kb));
	t.diagnostic(`${JSON.stringify(attacker.counts)}; honest: ${attacked.introspect.length + attacked.refresh.length} of ${attacked.sent} good`);
	t.diagnostic(`p99 of introspections and refreshes: ${told(p99(quiet))} without an attack, ${told(p99(calm))} with one beside, ${told(p99(attacked))} under attack`);
	t.diagnostic(`resident ${before} kB before; the attack may cost ${mostKb}; at most in each five seconds: ${Array.from({ length: SECONDS / 5 }, (_, i) => most(i * 5, i * 5 + 5)).join(', ')} kB`);
	for (const seen of [quiet, calm, attacked])
		assert.deepEqual(seen.wrong, []);
	assert.ok(most(0, SECONDS) - before < mostKb, `${most(0, SECONDS)} kB`);
	if (LONG)
		assert.ok(most(15, 30) <= 1.1 * most(0, 15), 'memory grows');
	if (APART)
		p99(attacked).forEach((ms, i) => assert.ok(ms <= 3 * p99(calm)[i], `${ms} ms against ${p99(calm)[i]} ms`));
});
