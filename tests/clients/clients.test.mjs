// SPDX-License-Identifier: Apache-2.0
//
// Real client libraries, unmodified, through the whole flow: discovery, sign-in,
// consent, code with PKCE, refresh, revocation (REQUIREMENTS R1.6). Each as a
// confidential and as a public client.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, withPhone } from '../lib/cast.mjs';
import { freePort, run } from '../lib/latchkey.mjs';
import { story } from './story.mjs';

const NODE = process.execPath;
const PYTHON = '/usr/bin/python3'; // Debian's, which has Debian's packages

const LIBRARIES = [
	{ name: 'openid-client', command: [NODE, 'openid-client.mjs'], guardsIss: true },
	{ name: 'oauth4webapi', command: [NODE, 'oauth4webapi.mjs'], guardsIss: true },
	{ name: 'Authlib', command: [PYTHON, 'authlib_client.py'] },
	{ name: 'requests-oauthlib', command: [PYTHON, 'requests_oauthlib_client.py'] },
	{ name: 'curl', command: ['bash', 'curl_client.sh'] },
];

const lk = await startCast({ prepare: withPhone });

for (const { name, ...library } of LIBRARIES) {
	test(`${name} as a confidential client`, () => story(lk, { ...library, client: lk.web }));
	test(`${name} as a public client`, () => story(lk, { ...library, client: lk.phone }));
}

// Passport lives inside a web application, so this one is under development.
for (const type of ['confidential', 'public'])
	test(`passport-oauth2 as a ${type} client`, async () => {
		const client = await lk.client(`Passport ${type}`, {
			type,
			development: true,
			'redirect-uri': `http://localhost:${await freePort()}/callback`,
			scope: ['export-jobs:read'],
		});
		await lk.eventually('the server knows the client', async () => {
			const answer = await lk.refresh(client, 'lk_rt_none');
			return answer.json.error === 'invalid_grant';
		}, 3000);
		await story(lk, { command: [NODE, 'passport.mjs'], client });
	});

test('a client that does not trust the development CA gets no answer', async () => {
	const url = `${lk.issuer}/.well-known/oauth-authorization-server`;
	const { status, stdout } = await run('curl', ['--silent', url]);
	assert.equal(status, 60, 'curl: peer certificate cannot be authenticated');
	assert.equal(stdout, '');
});

close(lk);
