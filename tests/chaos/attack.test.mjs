// SPDX-License-Identifier: Apache-2.0
//
// 4,000 slow connections, 1,000 endless bodies and 500 parallel sign-ins with wrong
// passwords at once: honest introspections and refreshes go on, none refused, and memory
// stays below a bound that follows from the limits (see mostKb).
//
// LONG=1 also judges their times: p99 may be three times what it is without an attack.
// Attackers, server and honest clients are on one machine, so what they take from each
// other there must not be taken for what the server takes: the server (one worker, and
// all its other threads) has a processor of its own, and on the other one the attackers
// run only while nobody else wants it. The attack goes on for a minute, three turns of
// the bodies (body_timeout is 20 s), at whose ends they take most: the last may not have
// more memory than those before.

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
const SECONDS = LONG ? 60 : 5;
const TURN = 20;
const [SLOWLY, ENDLESS, SIGN_INS] = [4000, 1000, 500].map((n) => Math.floor(n / SLOW));

// What each of them can make the server hold, in KiB: a connection without TLS; OpenSSL's
// part of one whose handshake goes on; a body, whose buffer grows by halves beyond
// body_limit (http/http_stream.c); a password check (crypto/password.c), one for every
// second processor (server/hasher.c).
const COST = { connection: 2, tls: 48, body: 1.5 * 64, password: 19 * 1024 };
const mostKb = SLOW * (SLOWLY * COST.connection + (ENDLESS + SIGN_INS) * COST.tls + ENDLESS * COST.body
	+ Math.ceil(os.cpus().length / 2) * COST.password);

// The processors we may use; apart: the clients' and the server's.
const [CLIENTS, SERVER] = /Cpus_allowed_list:\s+(\S+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]
	.split(',').flatMap((r) => { const [a, b = a] = r.split('-').map(Number); return Array.from({ length: b - a + 1 }, (_, i) => a + i); });
const APART = LONG && SERVER !== undefined;

let lk;
const children = [];
after(async () => {
	children.forEach((c) => c.kill('SIGKILL'));
	await lk?.remove();
});

function moveTo(cpu, { pid }) {
	execFileSync('taskset', ['-a', '-c', '-p', String(cpu), String(pid)], { stdio: 'ignore' });
}

// A client in a process of its own; idle: that runs while no other wants to.
function client(file, { idle = false, args = [] } = {}) {
	const apart = APART && idle ? { execPath: 'chrt', execArgv: ['--idle', '0', process.execPath] } : {};
	const c = fork(path.join(HERE, file), args, { ...apart, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, NODE_TEST_CONTEXT: undefined } });
	children.push(c);
	c.next = () => new Promise((resolve) => c.once('message', resolve));
	return c;
}

async function attack() {
	const attacker = client('attacker.mjs', { idle: true, args: [JSON.stringify({ port: lk.port, host: lk.host,
		ca: lk.ca.toString('base64'), slow: SLOWLY, endless: ENDLESS, signIns: SIGN_INS, username: lk.ben.username })] });
	attacker.counts = {};
	attacker.on('message', (m) => { attacker.counts = m; });
	await lk.eventually('the attack is under way', () => attacker.counts.slow >= SLOWLY * 0.9
		&& attacker.counts.endless >= ENDLESS * 0.9, 60000 * SLOW);
	return attacker;
}

const resident = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${lk.child.pid}/status`, 'utf8'))[1]);

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
	if (APART)
		moveTo(CLIENTS, process);
	lk = await startCast({ serve: ['--workers', APART ? '1' : '2'] });
	if (APART)
		moveTo(SERVER, lk.child);
	const honest = client('honest.mjs');
	await honest.next();
	const chains = [];
	for (let i = 0; i < 20; i++)
		chains.push((await lk.grant(lk.web)).refresh_token);
	const { access_token } = await lk.grant(lk.web);
	honest.send({ lk: { api: lk.api, web: lk.web, port: lk.port, host: lk.host, ca: lk.ca.toString('base64') }, token: access_token, chains, rate: 50 });
	await stretch(honest, 1); // warm
	const calm = await stretch(honest, LONG ? 20 : 2);
	const before = resident();
	const attacker = await attack();
	const memory = [];
	const attacked = await stretch(honest, SECONDS, (second) => { memory.push([second, resident()]); });
	attacker.kill('SIGKILL');
	const most = (from, to) => Math.max(...memory.filter(([s]) => s >= from && s < to).map(([, kb]) => kb));
	t.diagnostic(`${JSON.stringify(attacker.counts)}; honest: ${attacked.introspect.length + attacked.refresh.length} of ${attacked.sent} good`);
	t.diagnostic(`p99 of introspections and refreshes: ${told(p99(calm))} without an attack, ${told(p99(attacked))} under it`);
	t.diagnostic(`resident ${before} kB before; the attack may cost ${mostKb}; at most in each five seconds: ${Array.from({ length: SECONDS / 5 }, (_, i) => most(i * 5, i * 5 + 5)).join(', ')} kB`);
	for (const seen of [calm, attacked])
		assert.deepEqual(seen.wrong, []);
	assert.ok(most(0, SECONDS) - before < mostKb, `${most(0, SECONDS)} kB`);
	if (LONG)
		assert.ok(most(2 * TURN, 3 * TURN) <= 1.1 * most(0, 2 * TURN), 'memory grows');
	if (APART)
		p99(attacked).forEach((ms, i) => assert.ok(ms <= 3 * p99(calm)[i], `${ms} ms against ${p99(calm)[i]} ms`));
});
