// SPDX-License-Identifier: Apache-2.0
//
// With the agent: a crowd that asks it, and an agent that dies while it refreshes.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { sleep } from '../../lib/latchkey.mjs';
import { answers } from '../hostile.mjs';
import { crowd, judge, PROCESSES, stage, THREADS } from './crowd.mjs';

const { man, strict, client, remove } = await stage();
after(remove);

describe('with the agent', { concurrency: 2 }, () => {
	let agent;
	before(async () => { agent = await client.agent(); });
	after(async () => assert.equal(await agent.stop(), 0, agent.output));
	for (const [whom, server] of [['Latchkey', man], ['a strict server', strict]])
		describe(whom, { concurrency: 1 }, () => {
			for (const mode of ['refused', 'expiry'])
				test(`CL-25 ${PROCESSES} x ${THREADS}, ${mode}, against ${whom}, with the agent`, async (t) =>
					judge(t, await crowd(client, server, mode, { agent: true })));
		});
});

test('kill -9 of the agent while it refreshes: who waits gets a token all the same', async () => {
	const agent = await client.agent();
	const driver = await client.driver();
	const made = await driver.connect(man);
	const { token } = await driver.token(made.name);
	const asked = man.count({ grant_type: 'refresh_token', status: 200 });
	man.next('token', answers.hangsAfter());
	const waiting = driver.do('after', { name: made.name });
	while (man.count({ grant_type: 'refresh_token', status: 200 }) === asked)
		await sleep(5);
	await agent.stop('SIGKILL');
	const got = await waiting;
	assert.equal(got.status, 'ok', got.message);
	assert.notEqual(got.token, token);
	assert.equal(await man.lk.active(got.token), true);
	assert.equal((await driver.refreshSettled(made.name)).status, 'ok');
	assert.equal(man.count({ error: 'invalid_grant' }), 0);
	await driver.end();
});
