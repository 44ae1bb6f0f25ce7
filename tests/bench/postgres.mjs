// SPDX-License-Identifier: Apache-2.0
//
// make bench, with PostgreSQL behind: refresh and introspection over TLS by one, two
// and three nodes, against pgbench's own floor (floor.mjs) on the same cluster. A round
// takes every figure once, in this order or the other, and a ratio is taken within it.
//
//   ROUNDS=3 SECONDS=4 SCALE=1000000 node tests/bench/postgres.mjs [--write]
//
// The cluster is the bench's own, on the disk of LATCHKEY_TEST_ROOT (/var/tmp): each
// figure is taken alone, and then with a standby beside it for whose disk a commit waits.
// Clients, nodes, pgbench and both PostgreSQLs share the processors. --write puts the
// section into docs/BENCHMARKS.md.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { sleep } from '../lib/latchkey.mjs';
import { freshSchema, mustSql } from '../lib/postgres.mjs';
import { Node, QUORUM, Topology } from '../postgres/stage.mjs';
import { clusterCpu, Floor } from './floor.mjs';
import { startTime } from './growth.mjs';
import { CONNECTIONS, credentials, installation, load, median, ownMemory, ROUNDS, rss, SECONDS, tool } from './measure.mjs';
import { writePostgres } from './report_postgres.mjs';

const FEW = 1000;
const MANY = Number(process.env.SCALE ?? 1000000);
const SAMPLE = 200000; // grants whose tokens are used
const CLIENTS = [1, 8, CONNECTIONS];
const NODES = 3;
const LONG = { timeoutMs: 3600000 };

process.env.LATCHKEY_TEST_ROOT ??= '/var/tmp';

const settings = {
	shared_buffers: `${Math.floor(os.totalmem() / 4 / 2 ** 20)}MB`,
	max_wal_size: '4GB', checkpoint_timeout: '15min', max_connections: 150,
};

// ---- installations ---------------------------------------------------------------

const vacuum = (cluster, lk) => mustSql(cluster.url, `VACUUM ANALYZE ${lk.schema.name}.grants`, LONG);
const size = async (cluster, lk) => Number((await mustSql(cluster.url,
	`SELECT pg_total_relation_size('${lk.schema.name}.grants')`))[0][0]);

// What fill prints, which may be long: its tokens by pairs.
function fill(lk, grants) {
	const child = spawn(tool('fill'), [lk.data, lk.web.client_id, 'ana', String(grants), String(Math.min(grants, SAMPLE)), lk.database]);
	const out = [];
	child.stdout.on('data', (b) => out.push(b));
	child.stderr.on('data', (b) => process.stderr.write(b));
	return new Promise((resolve, reject) => child.on('close', (status) => (status === 0
		? resolve(Buffer.concat(out).toString().trim().split('\n').map((line) => line.split(' ')))
		: reject(new Error('fill failed')))));
}

// A server whose schema holds so many live grants of one client. A token that is
// refreshed is another one: each grant serves one purpose.
async function filled(topology, grants) {
	const schema = await freshSchema(topology.url);
	const lk = await installation({ database: schema.url });
	lk.schema = schema;
	const empty = await size(topology.primary, lk), since = performance.now();
	const pairs = await fill(lk, grants);
	await vacuum(topology.primary, lk);
	lk.size = await size(topology.primary, lk);
	lk.bytesAGrant = (lk.size - empty) / grants;
	console.log(`filled ${schema.name} with ${grants} grants of ${Math.round(lk.bytesAGrant)} bytes in ${((performance.now() - since) / 1000).toFixed(0)} s`);
	lk.access = pairs.filter((_, i) => i % 4 === 0).map(([access]) => access);
	lk.refresh = pairs.filter((_, i) => i % 4 !== 0).map(([, refresh]) => refresh);
	lk.refreshes = 0;
	return lk;
}

// ---- load ------------------------------------------------------------------------

const sum = (list, what) => list.reduce((all, r) => all + r[what], 0);
const share = (list, n, i) => list.filter((_, at) => at % n === i);

// One load a node, each with its share of the connections and of the tokens.
async function loadAll(nodes, mode, connections, tokens, client) {
	const first = nodes[0].first ?? nodes[0];
	const results = await Promise.all(nodes.map(async (node, i) => {
		const file = path.join(first.dir, `${mode}-${i}`);
		fs.writeFileSync(file, share(tokens, nodes.length, i).join('\n'));
		const result = await load(['--ca', first.findCa(), '--port', String(node.port), '--named', String(first.port), '--mode', mode, '--input', file,
			'--connections', String(Math.ceil(connections / nodes.length)), '--basic', credentials(client),
			...(mode === 'refresh' ? ['--keep', file] : [])], [node.child.pid], { pinned: false });
		return { ...result, kept: mode === 'refresh' ? fs.readFileSync(file, 'utf8').trim().split('\n') : [] };
	}));
	return { per_second: sum(results, 'per_second'), requests: sum(results, 'requests'),
		cpu_us: median(results.map((r) => r.cpu_us)), kept: results.flatMap((r) => r.kept) };
}

// {commits, changes, recalled} of the nodes' stores so far.
async function counts(nodes) {
	const texts = await Promise.all(nodes.map(async (node) => (await node.health('/metrics')).text));
	const total = (what) => texts.reduce((all, text) => all + Number(new RegExp(`store_${what}_total (\\d+)`).exec(text)[1]), 0);
	return { commits: total('commits'), changes: total('changes'), recalled: total('recalled') };
}

// The tokens that are live at the end are the next run's; those under way are not.
async function refresh(nodes, connections) {
	const lk = nodes[0].first ?? nodes[0];
	const before = await counts(nodes);
	const result = await loadAll(nodes, 'refresh', connections, lk.refresh, lk.web);
	const after = await counts(nodes);
	result.batch = (after.changes - before.changes) / (after.commits - before.commits);
	result.recalled = (after.recalled - before.recalled) / (after.changes - before.changes);
	lk.refresh = result.kept;
	lk.refreshes += result.requests;
	return result;
}

const introspect = (nodes, connections) =>
	loadAll(nodes, 'introspect', connections, nodes[0].access, nodes[0].api);

// ---- what is measured --------------------------------------------------------------

// Each a name and what takes the figure once. cold: a node that remembers next to no rows.
function figures(nodes, cold, floor, many) {
	const list = [];
	for (const clients of CLIENTS) {
		list.push([`pgbench: update, ${clients}`, () => floor.run('update', clients)]);
		list.push([`refresh, ${clients}`, () => refresh(nodes.slice(0, 1), clients)]);
		list.push([`refresh, read first, ${clients}`, () => refresh([cold], clients)]);
	}
	list.push([`pgbench: select, ${CONNECTIONS}`, () => floor.run('select', CONNECTIONS)]);
	list.push([`introspection, ${CONNECTIONS}`, () => introspect(nodes.slice(0, 1), CONNECTIONS)]);
	for (let n = 2; n <= NODES && many; n++) {
		list.push([`refresh, ${CONNECTIONS}, ${n} nodes`, () => refresh(nodes.slice(0, n), CONNECTIONS)]);
		list.push([`introspection, ${CONNECTIONS}, ${n} nodes`, () => introspect(nodes.slice(0, n), CONNECTIONS)]);
	}
	return list;
}

// Every figure with PostgreSQL's CPU for each of what was done.
async function take(topology, name, run) {
	const before = clusterCpu(topology.primary);
	const result = await run();
	const done = result.requests ?? result.per_second * SECONDS;
	result.database_us = (clusterCpu(topology.primary) - before) / done;
	console.log(`${name.padEnd(34)} ${String(Math.round(result.per_second)).padStart(8)}/s  ${(result.cpu_us ?? 0).toFixed(1).padStart(6)} us CPU`
		+ `  ${result.database_us.toFixed(1).padStart(6)} us CPU of PostgreSQL${result.batch ? `  ${result.batch.toFixed(1)} a commit, ${Math.round(100 * result.recalled)} % remembered` : ''}`);
	return result;
}

// Rounds of them, every second one backwards; the first is not counted: it warms up.
async function rounds(topology, list) {
	const all = Object.fromEntries(list.map(([name]) => [name, []]));
	for (let round = 0; round <= ROUNDS; round++)
		for (const [name, run] of round % 2 ? list : list.toReversed()) {
			const result = await take(topology, `${round}/${ROUNDS} ${name}`, run);
			if (round > 0)
				all[name].push(result);
		}
	return all;
}

// Few grants and many side by side: medians of rates, of PostgreSQL's CPU, of ours.
async function compare(topology, few, many) {
	const list = [['few: introspection', () => introspect([few], CONNECTIONS)], ['many: introspection', () => introspect([many], CONNECTIONS)],
		['few: refresh', () => refresh([few], CONNECTIONS)], ['many: refresh', () => refresh([many], CONNECTIONS)]];
	const all = await rounds(topology, list);
	const ratio = (what, of, up) => median(all[`many: ${what}`].map((m, i) =>
		(up ? m[of] / all[`few: ${what}`][i][of] : all[`few: ${what}`][i][of] / m[of])));
	return ['introspection', 'refresh'].map((what) => ({ what, rate: ratio(what, 'per_second', true),
		cpu: ratio(what, 'cpu_us', false), database: ratio(what, 'database_us', false) }));
}

// Of a node with as many workers as processors, as it comes.
async function nodeCosts(first) {
	const node = await Node.beside(first, { conf: { workers: os.cpus().length } });
	await sleep(2000);
	const costs = { idle: rss(node.child.pid), idleOwn: ownMemory(node.child.pid) };
	await node.stop();
	costs.start = await startTime(node);
	await node.remove();
	return costs;
}

async function startNodes(first) {
	await first.serve();
	const nodes = [first];
	while (nodes.length < NODES)
		nodes.push(await Node.beside(first));
	return nodes;
}

// Before there is anything to lose the disk is not waited for.
async function waitForDisk(cluster, wait) {
	for (const name of ['fsync', 'full_page_writes'])
		await mustSql(cluster.url, `ALTER SYSTEM SET ${name} = ${wait ? 'on' : 'off'}`);
	await mustSql(cluster.url, 'SELECT pg_reload_conf()');
	await sleep(500);
	await mustSql(cluster.url, 'CHECKPOINT', LONG);
	execFileSync('sync');
}

// The nodes answer nothing until a standby acknowledges what they commit (their lease).
async function addStandby(topology, nodes) {
	topology.standbys.push(await topology.primary.standby('s0', QUORUM));
	await topology.acknowledge(QUORUM.synchronous_standby_names);
	await sleep(2000);
	for (const node of nodes)
		await node.eventually('the node answers again', async () => (await node.introspect(nodes[0].access[0])).status === 200, 30000);
}

async function measure(topology) {
	await waitForDisk(topology.primary, false);
	const few = await filled(topology, FEW), many = await filled(topology, MANY);
	const floor = await Floor.beside(topology.primary, many.database, topology.primary.dir);
	const nodes = [], cold = [];
	try {
		await waitForDisk(topology.primary, true);
		nodes.push(...await startNodes(many));
		cold.push(await Node.beside(many, { conf: { database_cache: 1 } }));
		console.log('commits on the own disk');
		const alone = await rounds(topology, figures(nodes, cold[0], floor, false));
		await addStandby(topology, [...nodes, ...cold]);
		console.log('commits on the disk of a standby');
		const standby = await rounds(topology, figures(nodes, cold[0], floor, true));
		await few.serve();
		console.log('many grants against few');
		const sizes = await compare(topology, few, many);
		const costs = await nodeCosts(many);
		await vacuum(topology.primary, many);
		return { alone, standby, sizes, costs, many: MANY, few: FEW, width: floor.width, bytesAGrant: many.bytesAGrant,
			refreshes: many.refreshes, grown: await size(topology.primary, many) - many.size };
	} finally {
		for (const lk of [few, ...cold, ...nodes.slice(1), many])
			await lk.remove();
	}
}

const topology = await Topology.start(0, settings);
try {
	const measured = await measure(topology);
	console.log(`\n${writePostgres(measured, { rounds: ROUNDS, seconds: SECONDS, settings, files: process.argv.includes('--write') })}`);
} finally {
	await topology.remove();
}
