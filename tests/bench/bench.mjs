// SPDX-License-Identifier: Apache-2.0
//
// make bench: the real binary under closed-loop load over TLS, in one run with
// nginx's fixed answer (the practical limit) and node-oidc-provider (what most
// people use). The server has processor 0 and the load processor 1; rounds are
// interleaved, medians are quoted, and a ratio is taken within a round. Both servers have
// one worker, and the client chooses: TLS 1.3, X25519, TLS_AES_128_GCM_SHA256.
//
//   ROUNDS=3 SECONDS=4 SCALE=1000000 node tests/bench/bench.mjs [--write]
//
// What grows with use comes after that (growth.mjs): SCALE is the number of grants
// in the larger database. --write puts docs/BENCHMARKS.md and docs/benchmarks.svg in place.

import fs from 'node:fs';
import path from 'node:path';

import { basic, form, Latchkey } from '../lib/latchkey.mjs';
import { clientCosts } from './client.mjs';
import { connectionMemory, scale, startTime, storeFloor } from './growth.mjs';
import { CONNECTIONS, credentials, load, median, ownMemory, pin, requestFile, ROUNDS, rss, SECONDS } from './measure.mjs';
import { startNginx } from './nginx.mjs';
import { startProvider } from './provider.mjs';
import { write } from './report.mjs';

// A Latchkey with one client that may do everything, and one live token.
async function startLatchkey() {
	const lk = await Latchkey.start({
		conf: { access_lifetime: '60m', log_level: 'warning', connections_per_address: 4000 },
		prepare: async (made) => {
			await made.scope('export-jobs:read', 'See your export jobs');
			made.web = await made.client('Ledger', {
				type: 'confidential', 'redirect-uri': 'https://ledger.example/callback',
				scope: 'export-jobs:read', grant: ['authorization_code', 'refresh_token', 'client_credentials'],
			});
			made.ana = await made.user({ username: 'ana', companies: ['urn:acme:company:1:Acme'] });
			made.api = await made.resource('API');
		},
	});
	lk.idle = rss(lk.child.pid); // with as many workers as processors, as it comes
	lk.idleOwn = ownMemory(lk.child.pid);
	await lk.stop();
	lk.configure({ workers: 1 });
	await lk.serve();
	lk.granted = await lk.grant(lk.web);
	return lk;
}

async function refreshTokens(lk, count) {
	const tokens = [];
	for (let i = 0; i < count; i++)
		tokens.push((await lk.grant(lk.web)).refresh_token);
	const file = path.join(lk.dir, `tokens-${Date.now()}`);
	fs.writeFileSync(file, tokens.join('\n'));
	return file;
}

async function sessionCookie(lk) {
	const browser = await lk.as(lk.ana);
	return [...browser.cookies].map(([name, value]) => `${name}=${value.value ?? value}`).join('; ');
}

// The workloads by name: a function that runs one round and returns load's report.
async function workloads(lk, nginx, provider) {
	const common = ['--ca', lk.findCa(), '--port', String(lk.port), '--connections', String(CONNECTIONS)];
	const pids = [lk.child.pid];
	const auth = `Authorization: ${basic(lk.api.client_id, lk.api.client_secret)}`;
	const introspect = requestFile(lk.dir, 'introspect', { port: lk.port, target: '/oauth/introspect',
		headers: [auth], body: form({ token: lk.granted.access_token }) });
	const machine = requestFile(lk.dir, 'machine', { port: lk.port, target: '/oauth/token',
		headers: [`Authorization: Basic ${credentials(lk.web)}`], body: 'grant_type=client_credentials&scope=export-jobs%3Aread' });
	const refresh = async (more) => load([...common, '--mode', 'refresh', '--basic', credentials(lk.web),
		'--input', await refreshTokens(lk, CONNECTIONS), ...more], pids);
	const cookie = await sessionCookie(lk);
	const authorize = form({ response_type: 'code', client_id: lk.web.client_id, scope: 'export-jobs:read' });

	return {
		'nginx: fixed answer': () => load([...nginx.args, '--connections', String(CONNECTIONS)], nginx.pids),
		'introspection': () => load([...common, '--mode', 'fixed', '--input', introspect], pids),
		'refresh': () => refresh([]),
		'client_credentials': () => load([...common, '--mode', 'fixed', '--input', machine], pids),
		'authorize + code exchange': () => load([...common, '--mode', 'exchange', '--basic', credentials(lk.web),
			'--cookie', cookie, '--authorize', authorize], pids),
		'nginx: new connection each': () => load([...nginx.args, '--connections', '32', '--new-connection'], nginx.pids),
		'refresh, new connection each': () => refresh(['--new-connection', '--connections', '32']),
		'oidc-provider: introspection': () => load([...provider.introspect, '--connections', String(CONNECTIONS)], provider.pids),
		'oidc-provider: client_credentials': () => load([...provider.machine, '--connections', String(CONNECTIONS)], provider.pids),
		'oidc-provider: refresh': () => provider.refresh(CONNECTIONS, (args) => load(args, provider.pids)),
	};
}

async function measure(all) {
	const rounds = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
	for (let round = 0; round < ROUNDS; round++)
		for (const [name, run] of Object.entries(all)) {
			const result = await run();
			rounds[name].push(result);
			process.stdout.write(`${round + 1}/${ROUNDS} ${name.padEnd(34)} ${String(Math.round(result.per_second)).padStart(8)}/s`
				+ `  ${result.cpu_us.toFixed(1).padStart(8)} us CPU  p99 ${(result.p99_us / 1000).toFixed(1)} ms\n`);
		}
	return rounds;
}

// Median of each figure; ratios to a peer are of server CPU a request, round by round.
function summarise(rounds) {
	const peerOf = (name) => (name.includes('new connection') ? 'nginx: new connection each' : 'nginx: fixed answer');
	return Object.entries(rounds).map(([name, list]) => {
		const peer = rounds[peerOf(name)];
		return {
			name,
			perSecond: median(list.map((r) => r.per_second)),
			cpu: median(list.map((r) => r.cpu_us)),
			p50: median(list.map((r) => r.p50_us)),
			p99: median(list.map((r) => r.p99_us)),
			ratio: median(list.map((r, i) => peer[i].cpu_us / r.cpu_us)),
		};
	});
}

const lk = await startLatchkey();
const nginx = await startNginx(lk);
const provider = await startProvider(lk);
try {
	for (const pid of [lk.child.pid, ...nginx.pids, ...provider.pids])
		pin(pid, 0);
	const rows = summarise(await measure(await workloads(lk, nginx, provider)));
	const memory = { idle: lk.idle, after: rss(lk.child.pid), provider: provider.pids.map(rss)[0] };
	const connection = await connectionMemory(lk);
	await lk.stop();
	nginx.stop();
	provider.stop();
	const growth = { idle: lk.idle, idleOwn: lk.idleOwn, connection, start: await startTime(lk), floor: storeFloor(),
		refresh: rows.find((r) => r.name === 'refresh'), ...await scale() };
	const client = await clientCosts();
	console.log();
	console.log(write(rows, memory, growth, client, { rounds: ROUNDS, seconds: SECONDS, connections: CONNECTIONS,
		files: process.argv.includes('--write') }));
} finally {
	nginx.stop();
	provider.stop();
	await lk.remove();
}
