// SPDX-License-Identifier: Apache-2.0
//
// Commands at the same moment: each change is made, or refused in a sentence; none is
// undone by another that knew nothing of it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Latchkey } from '../lib/latchkey.mjs';

const lk = new Latchkey();
await lk.init();
after(() => lk.remove());
await lk.scope('export-jobs:read', 'See your export jobs');

const ok = async (...args) => {
	const { status, stderr } = await lk.command(...args);
	assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
};

test('client edit beside client edit and client disable: all of them hold', async () => {
	const app = await lk.client('Together', { type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://app.example/cb' });
	for (let round = 0; round < 3; round++) {
		const at = `https://app.example/${round}/`;
		const edit = (...args) => ok('client', 'edit', app.client_id, ...args);
		await ok('client', 'enable', app.client_id);
		await Promise.all([edit('--client-uri', `${at}home`), edit('--tos-uri', `${at}tos`), ok('client', 'disable', app.client_id),
			edit('--policy-uri', `${at}policy`), edit('--contact', `ops${round}@app.example`), edit('--initiate-uri', `${at}start`)]);
		const now = await lk.json('client', 'show', app.client_id);
		assert.deepEqual([now.disabled, now.client_uri, now.tos_uri, now.policy_uri, now.contacts, now.initiate_login_uri],
			[true, `${at}home`, `${at}tos`, `${at}policy`, [`ops${round}@app.example`], `${at}start`]);
	}
});

test('a scope taken away while a client is registered for it: one of the two is refused', async () => {
	for (let round = 0; round < 4; round++) {
		const scope = `round-${round}:read`;
		await lk.scope(scope, 'See a round');
		const [removed, added] = await Promise.all([lk.command('scope', 'remove', scope),
			lk.command('client', 'add', '--name', `Round ${round}`, '--type', 'public', '--scope', scope, '--redirect-uri', 'https://app.example/cb')]);
		assert.equal(removed.status + added.status, 1, removed.stderr + added.stderr);
		assert.match(removed.stderr + added.stderr, removed.status ? /still registered/ : /there is no scope/);
	}
});

test('four resources of one URI: one of them is added', async () => {
	const both = await Promise.all(['One', 'Two', 'Three', 'Four'].map((name) =>
		lk.command('resource', 'add', '--name', name, '--uri', 'https://api.example/together')));
	assert.deepEqual(both.map((r) => r.status).sort(), [0, 1, 1, 1], JSON.stringify(both));
});

test('user passwd beside user disable: the password is new and the account is disabled', async () => {
	for (let round = 0; round < 3; round++) {
		const username = `eve${round}`;
		await lk.user({ username });
		await Promise.all([ok('user', 'disable', username),
			ok('user', 'passwd', username, '--password-stdin', { input: 'another long enough password\n' })]);
		const { disabled } = await lk.json('user', 'show', username);
		assert.equal(disabled, true);
	}
});
