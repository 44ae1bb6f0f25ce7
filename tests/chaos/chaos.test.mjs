// SPDX-License-Identifier: Apache-2.0
//
// Three databases and three servers that are killed, frozen, restarted, cut off, told
// another time, given new keys and a full disk, by a schedule that a seed decides (SEED), EVENTS of
// them (8; make test-chaos: 300). Eight clients go on all the while and write down what
// they sent and were told; a judge who knows no more than they (checker.mjs) reads it.
// The control gives the standbys no say, and must lose.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { withPhone } from '../lib/cast.mjs';
import { sleep, SLOW } from '../lib/latchkey.mjs';
import { Campaign } from '../crash/campaign.mjs';
import { judge } from '../crash/checker.mjs';
import { failOver } from './failover.mjs';
import { Nodes } from './nodes.mjs';
import { PatientClient } from './patient.mjs';
import { perform, schedule } from './schedule.mjs';

const COUNT = Number(process.env.EVENTS ?? 8);
const SEED = Number(process.env.SEED ?? randomInt(1, 2 ** 31));

let nodes;
async function fresh() {
	await nodes?.remove();
	nodes = undefined;
	nodes = await Nodes.start({ prepare: withPhone, cuttable: true });
}
after(() => nodes?.remove());

// Clients at work while `deeds` are done; each of them comes to an end.
async function under(deeds) {
	const campaign = new Campaign(nodes.lk, { People: PatientClient });
	const lives = campaign.clients.map((c) => c.live());
	const failed = Promise.all(lives).then(() => new Promise(() => {})); // only rejects
	await Promise.race([failed, deeds()]);
	await sleep(500 * SLOW);
	campaign.run.over = true;
	const patience = new AbortController();
	const endless = delay(60000 * SLOW, undefined, { signal: patience.signal })
		.then(() => { throw new Error('clients that never end'); });
	await Promise.race([Promise.all(lives), endless.catch((e) => { if (e.name !== 'AbortError') throw e; })]);
	patience.abort();
	return campaign;
}

test('the same seed gives the same schedule, another one another', () => {
	assert.deepEqual(schedule(SEED, 50), schedule(SEED, 50));
	assert.notDeepEqual(schedule(SEED, 50), schedule(SEED + 1, 50));
});

test(`R6.4 R6.5 ${COUNT} events, seed ${SEED}: nothing told is lost, nothing dead lives`, async (t) => {
	const events = schedule(SEED, COUNT);
	await fresh();
	const campaign = await under(async () => {
		for (const event of events)
			await perform(nodes, event);
	});
	await campaign.settle(40);
	const { violations } = judge(campaign.run.history);
	const kinds = [...new Set(events.map((e) => e.what))];
	t.diagnostic(kinds.map((what) => `${events.filter((e) => e.what === what).length} x ${what}`).join(', '));
	t.diagnostic(`${campaign.summary()}, ${campaign.run.unsure} times not told whether it was done`);
	for (const each of violations) {
		const number = Number(/grant (\d+)/.exec(each)[1]);
		console.log(each, campaign.run.history.filter((e) => e.grant === number).slice(-12));
	}
	assert.deepEqual(violations, []);
	assert.ok(campaign.count((e) => e.got === 'tokens') > COUNT);
	assert.ok(campaign.run.unsure > 0, 'nothing happened');
});

test('the control: standbys without a say lose what was told', async (t) => {
	await fresh();
	await nodes.topology.acknowledge('');
	const campaign = await under(async () => {
		await sleep(700 * SLOW);
		await failOver(nodes.topology, { stall: 1500 });
		await sleep(3000 * SLOW);
	});
	const { violations } = judge(campaign.run.history);
	t.diagnostic(`${violations.length} violations, as there must be: ${violations[0]}`);
	assert.ok(violations.length > 0);
});
