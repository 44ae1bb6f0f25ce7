// SPDX-License-Identifier: Apache-2.0
//
// A vault in PostgreSQL, as several machines share it: one refresh for all, kill -9 at
// every step, the agent, and the look that is taken once a second. In short; LONG=1 has
// the proofs of a directory run over a database as well (tests/run, client-postgres).

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { SLOW, sleep } from '../../lib/latchkey.mjs';
import { mustSql } from '../../lib/postgres.mjs';
import { Hostile } from '../hostile.mjs';
import { Client, LONG } from '../proofs/client.mjs';
import { crowd, judge, PROCESSES, THREADS } from '../proofs/crowd.mjs';
import { faults, label } from '../proofs/faults.mjs';
import { identity } from '../proofs/https.mjs';
import { Middleman } from '../proofs/middleman.mjs';
import { Strict } from '../strict.mjs';

const who = await identity();
const strict = await Strict.start(who);
const hostile = await Hostile.start(who);
const man = LONG ? await Middleman.start({ prepare: cast, conf: { connections_per_address: 500 } }) : undefined;
const client = await Client.make();
const setup = await client.driver();
after(async () => {
	await client.remove();
	await man?.close();
	await strict.close();
	await hostile.close();
	await who.remove();
});

const SOME = LONG ? PROCESSES : 16;
const rounds = { refused: 2, expiry: 1 };

for (const agent of [false, true])
	for (const mode of agent || LONG ? ['refused', 'expiry'] : ['expiry'])
		test(`CL-25 ${SOME} x ${THREADS}, ${mode}, over PostgreSQL, ${agent ? 'with' : 'without'} the agent`, async (t) => {
			const running = agent ? await client.agent() : undefined;
			const server = await Strict.start(who);
			try {
				judge(t, await crowd(client, server, mode, { agent, processes: SOME, rounds: rounds[mode] }));
			} finally {
				assert.equal(await running?.stop() ?? 0, 0, running?.output);
				await server.close();
			}
		});

test('the control: where the lock holds nobody, the same judge is not content', async (t) => {
	const fooled = await Client.make();
	after(() => fooled.remove());
	// Functions that are found before the real ones, and lock nothing.
	await mustSql(fooled.vault, 'CREATE FUNCTION pg_advisory_lock(bigint) RETURNS void LANGUAGE sql AS $$ SELECT $$');
	await mustSql(fooled.vault, 'CREATE FUNCTION pg_advisory_unlock(bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$');
	fooled.vault += ',pg_catalog'; // the end of its search_path
	strict.delay = 500;
	const without = await crowd(fooled, strict, 'refused', { rounds: 1, processes: 8 });
	strict.delay = 0;
	assert.throws(() => judge(t, without), assert.AssertionError);
});

const sides = faults({ client, man, hostile, setup });

for (const side of LONG ? [sides.ours, sides.theirs] : [sides.theirs])
	describe(`a refresh against ${side.name}, over PostgreSQL`, { concurrency: 6 }, async () => {
		for (const step of await sides.refreshSteps(side))
			test(`kill -9 at ${label(step)}`, () => sides.killRefresh(side, step, LONG ? 20 : 1));
	});

test('what another machine has refreshed is seen within a second, and asks no server', async () => {
	strict.expiresIn = 3600;
	const here = await client.driver();
	const there = await client.driver();
	const { name } = await here.connect(strict);
	const { token: old } = await there.token(name);
	const { token: newer } = await here.refresh(name);
	const before = strict.refreshes();
	const changed = Date.now();
	let seen;
	do {
		await sleep(20);
		seen = await there.token(name);
	} while (seen.token === old && Date.now() - changed < 60000);
	assert.equal(seen.token, newer);
	assert.ok(Date.now() - changed < 1500 * SLOW, `after ${Date.now() - changed} ms`);
	assert.equal(strict.refreshes(), before);
	await here.end();
	await there.end();
});

test('between two looks the database is asked nothing', async () => {
	const driver = await client.driver();
	const { name } = await driver.connect(strict);
	const asked = async () => Number((await mustSql(client.vault,
		"SELECT coalesce(sum(seq_scan + coalesce(idx_scan, 0)), 0) FROM pg_stat_user_tables WHERE relname = 'latchkey_vault' AND schemaname = current_schema()"))[0][0]);
	await driver.token(name);
	const before = await asked();
	const counted = await driver.do('race', { name, threads: 4, times: 50000 });
	assert.equal(Object.values(counted.tokens).reduce((a, b) => a + b), 200000);
	await driver.end(); // and its sessions have told what they did
	const looks = await asked() - before;
	assert.ok(looks > 0 && looks < 1000, `${looks} looks for 200,000 tokens`);
});
