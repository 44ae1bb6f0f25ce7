// SPDX-License-Identifier: Apache-2.0
//
// A power cut under load, CUTS times (15; make test-crash: 200): the process is killed,
// and of what no fdatasync covered all is lost, or any part. Nothing that was
// acknowledged may be missing and nothing that was dead may live. The control runs the
// same with synchronous=NORMAL, which must lose: else the cut cuts nothing.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { startCast, withPhone } from '../lib/cast.mjs';
import { BINARY, sanitizerRuntime, SLOW } from '../lib/latchkey.mjs';
import { Campaign } from './campaign.mjs';
import { judge } from './checker.mjs';
import { chance, cutPower } from './powercut.mjs';

const CUTS = Number(process.env.ROUNDS ?? 15);
const CONTROL_CUTS = 10;
const SEED = Number(process.env.SEED ?? randomInt(1, 2 ** 31));
const LAYER = path.join(path.dirname(BINARY), 'tests/crash/libpowercut.so');

const took = (lost) => lost.filter((n) => n > 0).length;

async function campaign(cuts, env) {
	const random = chance(SEED);
	const lk = await startCast({ prepare: withPhone });
	const notes = path.join(lk.dir, 'notes');
	const lost = [];
	assert.ok(fs.existsSync(LAYER), LAYER);
	await lk.stop();
	lk.env = { ...lk.env, ...env, POWERCUT_NOTES: notes, LD_PRELOAD: [...await sanitizerRuntime(), LAYER].join(' ') };
	await lk.serve();
	const made = new Campaign(lk, {
		after: () => { lost.push(cutPower(notes, random)); },
		// Every sixth long enough for a checkpoint to be under way.
		patience: (round) => (round % 6 === 0 ? 1000 + random() * 600 : 20 + random() * 280),
	});
	// How many find a write that no sync covers yet is up to the machine.
	await made.rounds(cuts, () => took(lost) >= cuts / 3);
	return { made, lk, lost };
}

// Commands are not under the layer: what they wrote would never be noted as synced.
async function end({ made, lk }) {
	made.readLog();
	await lk.stop('SIGKILL');
	await lk.remove();
}

test(`${CUTS} power cuts, seed ${SEED}: nothing acknowledged is lost`, async (t) => {
	const c = await campaign(CUTS, {});
	await c.made.settle(40);
	await c.made.inspect();
	const { violations } = judge(c.made.run.history);
	t.diagnostic(`${c.made.summary()}; writes that no sync covered: ${c.lost.reduce((a, b) => a + b, 0)} in ${took(c.lost)} of ${c.lost.length} cuts`);
	await end(c);
	assert.deepEqual(violations, []);
	assert.deepEqual(c.made.unclean, []);
	assert.ok(took(c.lost) >= CUTS / 3, `cuts that took something: ${c.lost}`);
	assert.deepEqual(c.made.faults, []);
});

test('the control: with synchronous=NORMAL the same cuts lose what was acknowledged', async (t) => {
	const c = await campaign(CONTROL_CUTS, { POWERCUT_NORMAL: '1' });
	const { violations } = judge(c.made.run.history);
	t.diagnostic(`${violations.length} violations in ${CONTROL_CUTS} cuts, as there must be: ${violations[0]}`);
	await end(c);
	assert.ok(violations.length > 0);
});
