// SPDX-License-Identifier: Apache-2.0
//
// 64 parallel refreshes of one token and 64 parallel redemptions of one code over three
// servers, ROUNDS times each (3; make test-chaos: 500): exactly one success, or the same
// answer for all with one retry key. After a replay the authorisation is dead on every
// server, and still after all of them were started anew. The control is a build that
// saves without comparing: it must be found out.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { BINARY, random, sleep } from '../lib/latchkey.mjs';
import { redeemBytes, refreshBytes, sort, times, volley } from '../races/volley.mjs';
import { Nodes } from './nodes.mjs';

const CROWD = 64;
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const CONTROL = process.env.CONTROL === '1';

const nodes = await Nodes.start();
const { lk } = nodes;
after(() => nodes.remove());

function one(answers) {
	const { won } = sort(answers);
	assert.equal(won.length, 1, `${won.length} winners of ${answers.length}`);
	return won[0];
}

function all(answers) {
	const { won } = sort(answers);
	assert.equal(won.length, answers.length);
	assert.equal(new Set(won.map((t) => t.refresh_token)).size, 1, 'one answer for all');
	return won[0];
}

test(`TR-14 ${ROUNDS} x ${CROWD} refreshes of one token over three servers: one wins`, async () => {
	for (let i = 0; i < ROUNDS; i++) {
		const first = await lk.grant(lk.web);
		const won = one(await volley(lk, times(CROWD, refreshBytes(lk, lk.web, first.refresh_token))));
		assert.equal(await lk.active(won.access_token), false, 'the others were replays');
	}
});

test(`TC-11 ${ROUNDS} x ${CROWD} redemptions of one code over three servers: one wins`, { skip: CONTROL }, async () => {
	for (let i = 0; i < ROUNDS; i++)
		one(await volley(lk, times(CROWD, redeemBytes(lk, lk.web, await lk.authorize(lk.web)))));
});

test(`TR-11 ${ROUNDS} x ${CROWD} with one retry key over three servers: all get the same`, { skip: CONTROL }, async () => {
	let tokens = await lk.grant(lk.web);
	for (let i = 0; i < ROUNDS; i++)
		tokens = all(await volley(lk, times(CROWD, refreshBytes(lk, lk.web, tokens.refresh_token, random()))));
	assert.equal(await lk.active(tokens.access_token), true);
});

test('TR-10 after a replay the authorisation is dead on all servers at once, and after they started anew', { skip: CONTROL }, async () => {
	const first = await lk.grant(lk.web);
	const second = (await lk.refresh(lk.web, first.refresh_token)).json;
	assert.equal((await lk.refresh(lk.web, first.refresh_token)).status, 400);
	const deadOn = async () => {
		for (let i = 0; i < 6; i++) { // each is asked twice
			lk.pool.close();
			assert.equal(await lk.active(second.access_token), false);
		}
	};
	await deadOn();
	for (const node of nodes.all) {
		await node.stop();
		await node.serve();
	}
	await deadOn();
	assert.equal((await lk.refresh(lk.web, second.refresh_token)).status, 400);
});

test('the control: a build that saves without comparing has two winners', { skip: CONTROL }, async (t) => {
	const child = spawn(process.execPath, ['--test', fileURLToPath(import.meta.url)], {
		env: { ...process.env, CONTROL: '1', ROUNDS: '10', NODE_TEST_CONTEXT: undefined,
			LATCHKEY: path.join(path.dirname(BINARY), 'tests/chaos/latchkey_no_compare') },
	});
	let said = '';
	child.stdout.on('data', (b) => { said += b; });
	child.stderr.on('data', (b) => { said += b; });
	const status = await new Promise((resolve) => child.once('close', resolve));
	await sleep(0);
	assert.notEqual(status, 0, said);
	const winners = /(\d+) winners of/.exec(said);
	assert.ok(winners && Number(winners[1]) > 1, said);
	t.diagnostic(`found out: ${winners[0]} ${CROWD}`);
});
