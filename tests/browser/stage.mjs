// SPDX-License-Identifier: Apache-2.0
//
// What every browser test plays on: a server, a partner, a Chromium, and two
// people. Made once a file.

import { after } from 'node:test';

import { Chrome, Partner } from '../lib/chrome.mjs';
import { form, Latchkey } from '../lib/latchkey.mjs';

export const COMPANY = 'urn:acme:company:1';
export const ENTITY = 'urn:acme:entity:1-fr';

export async function stage(options = {}) {
	const lk = await Latchkey.start({ ...options, prepare: async (made) => {
		made.partner = await Partner.start(made);
		await made.scope('export-jobs:read', 'See your export jobs and their results');
		await made.scope('users:read', 'See the names and e-mail addresses of people in your company');
		made.web = await made.client('Ledger Sync', {
			type: 'confidential', 'redirect-uri': made.partner.uri,
			scope: ['export-jobs:read', 'users:read'],
			'client-uri': 'https://ledgersync.example/', 'policy-uri': 'https://ledgersync.example/privacy',
			'tos-uri': 'https://ledgersync.example/terms', contact: 'support@ledgersync.example',
			...options.webClient,
		});
		made.long = await made.client('Internationale Buchhaltungsverbindung AG', {
			type: 'public', 'redirect-uri': made.partner.uri,
			scope: ['export-jobs:read', 'users:read'],
		});
		made.nadia = await made.user({ username: 'nadia', name: 'Nadia Petrova',
			companies: [`${COMPANY}:Northwind Traders GmbH`], entities: [`${ENTITY}:Northwind France SARL`] });
		made.tom = await made.user({ username: 'tom', name: 'Tom Ohm', companies: [
			`${COMPANY}:Northwind Traders GmbH`] });
		made.api = await made.resource('Export API');
	} });
	lk.chrome = await Chrome.start(lk);
	after(async () => {
		await lk.chrome.stop();
		await lk.partner.stop();
		await lk.remove();
	});
	return lk;
}

// The link behind a partner's "Connect" button, and what it must remember.
export function connect(lk, client = lk.web, change = {}) {
	const request = lk.request(client, change);
	return { ...request, url: `${lk.issuer}/oauth/authorize?${form(request.params)}`, state: request.params.state };
}
