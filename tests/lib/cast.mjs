// SPDX-License-Identifier: Apache-2.0
//
// The people and programs most tests need, made once a file, and the tests that
// close every file: what must have been true of every answer and of the log.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Latchkey } from './latchkey.mjs';
import { UNIVERSAL } from './ledger.mjs';

export const SCOPES = {
	'export-jobs:read': 'See your export jobs',
	'export-jobs:write': 'Create and change export jobs',
	'users:read': 'See who works at your company',
};
export const ACME = 'urn:acme:company:1';
export const ACME_UK = 'urn:acme:entity:1-uk';
export const BOLT = 'urn:acme:company:2';

// web, web2: confidential; spa: public in a browser; native; dev: public on
// localhost; machine: client_credentials. ana has two contexts, ben has one. api
// introspects.
export async function startCast(options = {}) {
	const lk = await Latchkey.start({ ...options, prepare: async (made) => {
		await cast(made);
		await options.prepare?.(made);
	} });
	return lk;
}

export async function cast(lk) {
	for (const [name, describe] of Object.entries(SCOPES))
		await lk.scope(name, describe);
	const both = ['export-jobs:read', 'export-jobs:write'];
	lk.web = await lk.client('Ledger Sync', {
		type: 'confidential', 'redirect-uri': ['https://app.example/cb', 'https://app.example/cb?t=1'], scope: both,
	});
	lk.web2 = await lk.client('Other Books', {
		type: 'confidential', 'redirect-uri': 'https://other.example/cb', scope: both,
	});
	lk.spa = await lk.client('Spend Board', {
		type: 'public', 'redirect-uri': 'https://spa.example/cb', scope: both, origin: 'https://spa.example',
	});
	lk.native = await lk.client('Pocket Spend', {
		type: 'public', native: true, scope: both,
		'redirect-uri': ['http://127.0.0.1/cb', 'com.example.pocket:/cb'],
	});
	lk.dev = await lk.client('Workbench', {
		type: 'public', development: true, 'redirect-uri': 'http://localhost:3000/cb', scope: both,
	});
	lk.machine = await lk.client('Night Job', {
		type: 'confidential', grant: 'client_credentials', scope: both, 'default-scope': both,
	});
	lk.ana = await lk.user({ username: 'ana', name: 'Ana Example', companies: [`${ACME}:Acme GmbH`, `${BOLT}:Bolt AG`] });
	lk.ben = await lk.user({ username: 'ben', name: 'Ben Example', companies: [`${BOLT}:Bolt AG`] });
	lk.api = await lk.resource('Acme API');
}

// For startCast's prepare: one more, the app of a phone by a claimed https link,
// public and with refresh tokens.
export async function withPhone(lk) {
	lk.phone = await lk.client('Phone Spend', {
		type: 'public', 'redirect-uri': 'https://phone.example/cb',
		scope: ['export-jobs:read', 'export-jobs:write'],
	});
}

// Declares the closing tests of a file. Call it last.
export function close(lk, { faults = 0 } = {}) {
	for (const rule of UNIVERSAL)
		test(`${rule} held for every answer of this file`, (t) => {
			const judged = lk.ledger.judged.get(rule) ?? 0;
			const broken = lk.ledger.broken.get(rule) ?? [];
			if (judged === 0)
				t.skip('no answer of this file was about it');
			assert.equal(broken.length, 0, `${broken.length} of ${judged} answers; the first: ${broken[0]}`);
		});
	test('H-18 no secret of this file stands in the log', async () => {
		const ended = await lk.stop();
		assert.deepEqual(ended, { status: 0, signal: null }, lk.log);
		assert.ok(lk.ledger.secrets.size > 0);
		assert.deepEqual(lk.ledger.found(lk.log), []);
	});
	test('H-15 nothing of ours failed on the way', () => {
		assert.equal(lk.events('fault').length, faults, JSON.stringify(lk.events('fault')));
	});
	after(() => lk.remove());
}

// One test a row: [what, ...arguments of judge].
export function table(rule, rows, judge) {
	for (const [what, ...rest] of rows)
		test(`${rule} ${what}`, () => judge(...rest));
}
