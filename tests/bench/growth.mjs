// SPDX-License-Identifier: Apache-2.0
//
// What grows with use, and what must not: many grants against few, bytes a grant,
// bytes a refresh, memory a connection, and the time from start to first answer.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

import { BINARY, sleep } from '../lib/latchkey.mjs';
import { CONNECTIONS, credentials, installation, load, median, pin, ROUNDS, rss, SECONDS, tool } from './measure.mjs';

const FEW = 1000;
const MANY = Number(process.env.SCALE ?? 1000000);
const REFRESHES = Number(process.env.REFRESHES ?? 100000);
const IDLE_CONNECTIONS = 2000;
const STARTS = 10;
const SAMPLE = 20000; // grants whose tokens are used

const request = (lk) => `GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: localhost:${lk.port}\r\n\r\n`;

// A connection with one request answered, which stays open.
function answered(lk) {
	return new Promise((resolve, reject) => {
		const socket = tls.connect({ port: lk.port, host: '127.0.0.1', servername: 'localhost', ca: lk.ca },
			() => socket.write(request(lk)));
		socket.once('data', () => resolve(socket));
		socket.once('error', reject);
	});
}

// Bytes of resident memory that each of many idle connections costs the server.
export async function connectionMemory(lk) {
	(await answered(lk)).destroy();
	const before = rss(lk.child.pid), open = [];
	for (let i = 0; i < IDLE_CONNECTIONS; i += 50)
		open.push(...await Promise.all(Array.from({ length: 50 }, () => answered(lk))));
	await sleep(500);
	const bytes = (rss(lk.child.pid) - before) * 1024 / IDLE_CONNECTIONS;
	for (const socket of open)
		socket.destroy();
	return bytes;
}

// Milliseconds from the start of the process to its first answer over TLS.
export async function startTime(lk) {
	const times = [];
	for (let i = 0; i < STARTS; i++) {
		const since = performance.now();
		const child = spawn(BINARY, ['serve', '--dir', lk.data, '--listen', `127.0.0.1:${lk.port}`], { stdio: 'ignore' });
		const exit = new Promise((resolve) => { child.once('exit', resolve); });
		let socket;
		while (!socket)
			socket = await answered(lk).catch(() => undefined);
		times.push(performance.now() - since);
		socket.destroy();
		child.kill();
		await exit;
	}
	return median(times);
}

// The store alone, as many changes under way as the load has connections.
export function storeFloor() {
	const dir = fs.mkdtempSync('/tmp/latchkey-bench-');
	const { stdout } = spawnSync('taskset', ['-c', '0', tool('bench_store'), dir, '100000', String(SECONDS)], { encoding: 'utf8' });
	fs.rmSync(dir, { recursive: true });
	const line = new RegExp(`^ *${CONNECTIONS} under way: +(\\d+) refreshes/s, +([\\d.]+) us`, 'm').exec(stdout);
	return { perSecond: Number(line[1]), cpu: Number(line[2]) };
}

const database = (lk) => path.join(lk.data, 'latchkey.db');
const size = (file) => (fs.existsSync(file) ? fs.statSync(file).size : 0);
const stored = (lk) => size(database(lk)) + size(`${database(lk)}-wal`);

// An installation whose database holds so many live grants of one client.
async function filled(grants) {
	const lk = await installation();
	const empty = stored(lk), since = performance.now();
	const { stdout, status, stderr } = spawnSync(tool('fill'), [lk.data, lk.web.client_id, 'ana', String(grants),
		String(Math.min(grants, SAMPLE))], { encoding: 'utf8', maxBuffer: 1 << 28 });
	if (status !== 0)
		throw new Error(stderr);
	console.log(`filled ${lk.data} with ${grants} grants in ${((performance.now() - since) / 1000).toFixed(0)} s`);
	lk.bytesAGrant = (stored(lk) - empty) / grants;
	// A token that is refreshed is another one: each grant serves one purpose.
	const pairs = stdout.trim().split('\n').map((line) => line.split(' '));
	const keep = (name, tokens) => {
		const file = path.join(lk.dir, name);
		fs.writeFileSync(file, tokens.join('\n'));
		return file;
	};
	lk.access = keep('access', pairs.filter((_, i) => i % 4 === 0).map(([access]) => access));
	lk.refresh = pairs.filter((_, i) => i % 4 !== 0).map(([, refresh]) => refresh);
	await lk.serve();
	pin(lk.child.pid, 0);
	return lk;
}

const common = (lk) => ['--ca', lk.findCa(), '--port', String(lk.port), '--connections', String(CONNECTIONS)];
const introspect = (lk) => load([...common(lk), '--mode', 'introspect', '--basic', credentials(lk.api),
	'--input', lk.access], [lk.child.pid]);

// Each run has chains of its own, for it ends in the middle of them.
function refresh(lk, run, more = []) {
	const file = path.join(lk.dir, `refresh-${run}`);
	const share = Math.floor(lk.refresh.length / (ROUNDS + 1));
	fs.writeFileSync(file, lk.refresh.slice(run * share, (run + 1) * share).join('\n'));
	return load([...common(lk), '--mode', 'refresh', '--basic', credentials(lk.web), '--input', file, ...more], [lk.child.pid]);
}

// Of each kind of request, many grants against few: requests a second, and server CPU
// a request the other way round, so that 1 always means that size costs nothing.
async function compare(few, many) {
	const rates = { introspection: [], refresh: [] }, costs = { introspection: [], refresh: [] };
	let refreshes = 0, last;
	const note = (what, a, b) => {
		rates[what].push(b.per_second / a.per_second);
		costs[what].push(a.cpu_us / b.cpu_us);
		return b;
	};
	for (let round = 0; round < ROUNDS; round++) {
		note('introspection', await introspect(few), await introspect(many));
		last = note('refresh', await refresh(few, round), await refresh(many, round));
		refreshes += last.requests;
	}
	const medians = (all) => Object.fromEntries(Object.entries(all).map(([what, list]) => [what, median(list)]));
	return { rate: medians(rates), cpu: medians(costs), refreshes, perSecond: last.per_second };
}

export async function scale() {
	const few = await filled(FEW), many = await filled(MANY);
	try {
		const before = stored(many), ratio = await compare(few, many);
		const missing = REFRESHES - ratio.refreshes;
		const rest = missing <= 0 ? 0 : (await refresh(many, ROUNDS,
			['--seconds', String(Math.ceil(1 + 1.3 * missing / ratio.perSecond))])).requests;
		await many.stop();
		return { many: MANY, few: FEW, ratio, bytesAGrant: many.bytesAGrant,
			refreshes: ratio.refreshes + rest, grown: stored(many) - before };
	} finally {
		await few.remove();
		await many.remove();
	}
}
