// SPDX-License-Identifier: Apache-2.0
//
// A crowd and no agent: the lock alone makes one refresh of it.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { sanitizerRuntime } from '../../lib/latchkey.mjs';
import { DATABASE, tool } from './client.mjs';
import { crowd, judge, PROCESSES, stage, THREADS } from './crowd.mjs';

const { man, strict, client, remove } = await stage();
after(remove);

describe('without the agent', { concurrency: 2 }, () => {
	for (const [whom, server] of [['Latchkey', man], ['a strict server', strict]])
		describe(whom, { concurrency: 1 }, () => {
			for (const mode of ['refused', 'expiry'])
				test(`CL-25 ${PROCESSES} x ${THREADS}, ${mode}, against ${whom}`, async (t) =>
					judge(t, await crowd(client, server, mode)));
		});
});

test('the control: where locks hold nobody, the same judge is not content', { skip: DATABASE && 'these are the locks of files' }, async (t) => {
	const preload = [...await sanitizerRuntime(), tool('no_lock.so')].join(' ');
	strict.delay = 500; // long enough for all of them to come
	const without = await crowd(client, strict, 'refused', { rounds: 1, processes: 8, env: { LD_PRELOAD: preload } });
	assert.throws(() => judge(t, without), assert.AssertionError);
	const withThem = await crowd(client, strict, 'refused', { rounds: 1, processes: 8 });
	judge(t, withThem);
});
