// SPDX-License-Identifier: Apache-2.0
//
// A drain that takes too long ends the process in order: exit status 1, never a
// crash, whatever the workers are in the middle of.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, test } from 'node:test';

import { form, Latchkey, requestBytes, SLOW } from '../lib/latchkey.mjs';

const made = [];
after(() => made.forEach((lk) => fs.rmSync(lk.dir, { recursive: true, force: true })));

test('SIGTERM with requests that never end: exit status 1 after drain_timeout', async () => {
	for (let round = 0; round < 3; round++) {
		const lk = await Latchkey.start({ conf: { drain_timeout: 1, body_timeout: 60, request_timeout: 60 } });
		made.push(lk);
		const whole = requestBytes({ method: 'POST', target: '/oauth/token', host: lk.host,
			headers: [['Content-Type', 'application/x-www-form-urlencoded']], body: form({ grant_type: 'x'.repeat(200) }) });
		for (let i = 0; i < 6; i++)
			await (await lk.connect()).send(whole.slice(0, whole.length - 1));
		const knocking = setInterval(() => { lk.connect().then((c) => c.close()).catch(() => {}); }, 2);
		const started = Date.now();
		lk.child.kill('SIGTERM');
		const ended = await lk.exit;
		clearInterval(knocking);
		assert.deepEqual(ended, { status: 1, signal: null }, lk.log);
		assert.ok(Date.now() - started < 15000 * SLOW);
	}
});
