// SPDX-License-Identifier: Apache-2.0
//
// Three servers before one PostgreSQL are replaced one after the other, twice, under 500
// requests a second: none is refused, none is reset, none is answered 5xx (issue 4
// section 2).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';

import { BINARY, SLOW, sleep } from '../lib/latchkey.mjs';
import { load, RATE } from '../ops/load.mjs';
import { Node, Topology, start } from '../postgres/stage.mjs';

const topology = await Topology.start(0);
const lk = await start(topology);
const nodes = [lk, await Node.beside(lk), await Node.beside(lk)];
const started = [];
after(async () => {
	started.forEach((child) => child.kill('SIGKILL'));
	for (const node of nodes.toReversed())
		await node.remove();
	await topology.remove();
});

async function replace(node) {
	const before = node.successor ?? node.child;
	const ended = before.exitCode === null ? new Promise((resolve) => before.once('exit', resolve)) : before.exitCode;
	const child = spawn(BINARY, ['serve', '--replace', '--dir', node.data, '--listen', `127.0.0.1:${node.port}`],
		{ env: { ...process.env, ...node.env }, stdio: ['ignore', 'ignore', 'pipe'] });
	started.push(child);
	let said = '';
	child.stderr.on('data', (b) => { said += b; });
	await node.eventually(`it starts\n${said}`, () => said.includes('"event":"started"'), 15000 * SLOW);
	assert.equal(await ended, 0, 'the old one ended in order');
	node.successor = child;
}

test('three servers replaced in turn, twice: nobody notices', async (t) => {
	const { access_token } = await lk.grant(lk.web);
	lk.pool.close();
	const stop = load(lk, () => access_token, nodes.map((node) => node.port));
	await sleep(300);
	for (const node of [...nodes, ...nodes]) {
		await replace(node);
		await sleep(100);
	}
	await sleep(300);
	const seen = await stop();
	t.diagnostic(`${seen.sent} requests, ${seen.wrong.length} wrong`);
	assert.deepEqual(seen.wrong, []);
	assert.ok(seen.sent > RATE);
});
