// SPDX-License-Identifier: Apache-2.0
//
// A crowd and no agent: the lock alone makes one refresh of it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { sanitizerRuntime } from '../../lib/latchkey.mjs';
import { Strict } from '../strict.mjs';
import { Client, DATABASE, tool } from './client.mjs';
import { crowd, judge, PROCESSES, THREADS } from './crowd.mjs';
import { identity } from './https.mjs';
import { Middleman } from './middleman.mjs';

const who = await identity();
const man = await Middleman.start({ prepare: cast });
const strict = await Strict.start(who);
const client = await Client.make();
after(async () => {
	await client.remove();
	await man.close();
	await strict.close();
	await who.remove();
});

for (const [whom, server] of [['Latchkey', man], ['a strict server', strict]])
	for (const mode of ['refused', 'expiry'])
		test(`CL-25 ${PROCESSES} x ${THREADS}, ${mode}, against ${whom}`, async (t) =>
			judge(t, await crowd(client, server, mode)));

test('the control: where locks hold nobody, the same judge is not content', { skip: DATABASE && 'these are the locks of files' }, async (t) => {
	const preload = [...await sanitizerRuntime(), tool('no_lock.so')].join(' ');
	strict.delay = 500; // long enough for all of them to come
	const without = await crowd(client, strict, 'refused', { rounds: 1, processes: 8, env: { LD_PRELOAD: preload } });
	assert.throws(() => judge(t, without), assert.AssertionError);
	const withThem = await crowd(client, strict, 'refused', { rounds: 1, processes: 8 });
	judge(t, withThem);
});
