// SPDX-License-Identifier: Apache-2.0
//
// The control of these proofs: a strict server that is not strict, a middleman that
// loses nothing or a hostile server that is kind would prove nothing of a client.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { cast } from '../../lib/cast.mjs';
import { pkce, random } from '../../lib/latchkey.mjs';
import { answers, Hostile } from '../hostile.mjs';
import { Strict } from '../strict.mjs';
import { ask, identity } from './https.mjs';
import { Middleman } from './middleman.mjs';
import { Provider, REDIRECT_URI } from './provider.mjs';

const who = await identity();
after(() => who.remove());

const refreshAt = (server, token, headers) => ask(server.who, `${server.issuer}/token`,
	{ client: server.client, params: { grant_type: 'refresh_token', refresh_token: token }, headers });

test('the strict server rotates, and ends the family when a replaced token comes back', async () => {
	const strict = await Strict.start(who);
	const first = strict.issue(strict.family('books:read'));
	const second = JSON.parse((await refreshAt(strict, first.refresh_token)).body);
	assert.equal(strict.honours(first.access_token), false);
	assert.equal(strict.honours(second.access_token), true);
	assert.deepEqual(JSON.parse((await refreshAt(strict, first.refresh_token)).body), { error: 'invalid_grant' });
	assert.deepEqual(JSON.parse((await refreshAt(strict, second.refresh_token)).body), { error: 'invalid_grant' });
	assert.equal(strict.families[0].ended, 'replay');
	assert.equal(strict.refreshes(), 3);
	await strict.close();
});

test('the strict server takes no wrong secret, verifier, redirect URI, and no code twice', async () => {
	const strict = await Strict.start(who);
	const { verifier, challenge } = pkce();
	const url = () => `${strict.issuer}/authorize?${new URLSearchParams({ response_type: 'code', client_id: strict.client.client_id,
		redirect_uri: strict.client.redirect_uri, code_challenge: challenge, code_challenge_method: 'S256', state: random(32) })}`;
	const redeem = async (change, client = strict.client, { code } = strict.authorize(url())) => {
		const params = { grant_type: 'authorization_code', code, redirect_uri: strict.client.redirect_uri, code_verifier: verifier, ...change };
		return { code, status: (await ask(who, `${strict.issuer}/token`, { client, params })).status };
	};
	const { code, status } = await redeem({});
	assert.equal(status, 200);
	assert.equal((await redeem({}, strict.client, { code })).status, 400);
	assert.equal((await redeem({ code_verifier: random(32) })).status, 400);
	assert.equal((await redeem({ redirect_uri: 'https://app.example/cb/' })).status, 400);
	assert.equal((await redeem({}, { ...strict.client, client_secret: 'x' })).status, 401);
	await strict.close();
});

test('a hostile site does once what it is told, then is honest', async () => {
	const hostile = await Hostile.start(who);
	const site = hostile.site();
	const family = site.family('books:read');
	let last = site.issue(family).refresh_token;
	const spoilt = [
		[answers.reset(), { broken: 'ECONNRESET' }, false],
		[answers.dropped(), { broken: 'ECONNRESET' }, true],
		[answers.half(), { broken: 'ECONNRESET' }, true],
		[answers.error(429, 'slow', { 'Retry-After': '7' }), { status: 429 }, false],
		[answers.failsAfter(502), { status: 502 }, true],
		[answers.http10(), { status: 200 }, true],
	];
	for (const [answer, want, done] of spoilt) {
		site.next('token', answer);
		const got = await refreshAt(site, family.current);
		for (const [name, value] of Object.entries(want))
			assert.equal(got[name], value);
		assert.equal(family.current !== last, done, 'done, whoever was told');
		last = family.current;
	}
	assert.equal((await refreshAt(site, family.current)).status, 200);
	await hostile.close();
});

test('the middleman loses what the server has committed, and counts it', async () => {
	const man = await Middleman.start({ prepare: cast });
	after(() => man.close());
	const { lk } = man;
	const granted = await lk.grant(lk.web);
	const headers = { 'idempotency-key': random() };
	const refresh = (token) => ask(man.who, `${man.issuer}/oauth/token`,
		{ client: lk.web, params: { grant_type: 'refresh_token', refresh_token: token }, headers });
	man.next('token', answers.dropped(), answers.failsAfter(502));
	assert.deepEqual(await refresh(granted.refresh_token), { broken: 'ECONNRESET' });
	assert.equal(await lk.active(granted.access_token), false, 'it was done');
	assert.equal((await refresh(granted.refresh_token)).status, 502);
	man.expiresIn = 5;
	const { status, body } = await refresh(granted.refresh_token);
	assert.equal(status, 200);
	assert.equal(JSON.parse(body).expires_in, 5);
	assert.deepEqual(man.ledger.map((e) => [e.grant_type, e.status]), Array(3).fill(['refresh_token', 200]));
	assert.ok(man.secrets.has(JSON.parse(body).access_token));
});

test('oidc-provider is set up to rotate, and ends what is replayed', async () => {
	const provider = await Provider.start(who);
	const { verifier, challenge } = pkce();
	const client = provider.confidential;
	const token = async (params) => ask(who, `${provider.issuer}/token`, { client, params });
	const query = await provider.authorize(`${provider.issuer}/auth?${new URLSearchParams({ response_type: 'code', client_id: client.client_id,
		redirect_uri: REDIRECT_URI, scope: client.scope, prompt: 'consent', code_challenge: challenge, code_challenge_method: 'S256', state: random(32) })}`);
	const { code, iss } = Object.fromEntries(new URLSearchParams(query));
	assert.equal(iss, provider.issuer);
	const first = JSON.parse((await token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI, code_verifier: verifier })).body);
	const refresh = (refresh_token) => token({ grant_type: 'refresh_token', refresh_token });
	const second = JSON.parse((await refresh(first.refresh_token)).body);
	assert.notEqual(second.refresh_token, first.refresh_token);
	assert.equal((await refresh(first.refresh_token)).status, 400);
	assert.equal((await refresh(second.refresh_token)).status, 400);
	await provider.close();
});
