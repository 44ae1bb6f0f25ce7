// SPDX-License-Identifier: Apache-2.0
//
// Memory that runs out at the n-th allocation, for n = 1, 2, 3 ... (oom.c): no call ever
// crashes or ends its host, and no connection is lost by it. LONG=1: every n.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, run } from '../lib/latchkey.mjs';
import { connect, consenting, Driver, registration, vault } from './driver.mjs';

const OOM = path.join(path.dirname(BINARY), 'tests/client/oom');
const LONG = Boolean(process.env.LONG);
const skip = fs.existsSync(OOM) ? false : 'a sanitizer has its own malloc';

const lk = skip ? undefined : await startCast();
after(() => lk?.remove());
const place = vault();
after(() => place.remove());

async function tried(what, first, step, most) {
	const { status, stdout, stderr } = await run(OOM, [place.vault, place.key, 'acme', `${lk.issuer}/healthz`, what, first, step, most].map(String),
		{ timeoutMs: 600000, env: { SSL_CERT_FILE: lk.findCa() } });
	assert.equal(status, 0, stderr);
	assert.equal(stderr, '');
	return stdout.trim().split('\n').map((line) => line.split(' '));
}

test('set up', { skip }, async () => {
	const driver = new Driver(place);
	await driver.opened;
	await connect(driver, 'acme', registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.web }), consenting(lk, lk.ana));
	await driver.end();
});

// [what, at these allocations first, then every so many, statuses that memory may cause]
for (const [what, dense, stride] of [['open', 4000, 1], ['token', 70, 397], ['call', 150, 61]])
	test(`memory runs out during ${what}`, { skip }, async () => {
		const results = await tried(what, 0, 1, LONG ? 1000000 : dense);
		if (!LONG && results.length === dense)
			results.push(...await tried(what, dense, stride, 40));
		const bad = results.filter(([, then, later]) => !['ok', 'memory', 'try_later', 'storage', 'configuration'].includes(then) || later !== 'ok');
		assert.deepEqual(bad, []);
		assert.ok(results.some(([, then]) => then === 'memory'));
		assert.equal(results.at(-1)[1], 'ok');
	});
