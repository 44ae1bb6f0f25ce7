// SPDX-License-Identifier: Apache-2.0
//
// Against a server that others wrote, node-oidc-provider, as its manual sets it up; and
// beside a client that others wrote, openid-client: whose answer from a browser it
// takes, and whose it refuses.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import * as openid from 'openid-client';

import { form } from '../../lib/latchkey.mjs';
import { Client } from './client.mjs';
import { CALLBACKS } from './callbacks.mjs';
import { ask, identity } from './https.mjs';
import { Provider, REDIRECT_URI } from './provider.mjs';

const SCOPE = 'openid offline_access books:read';
const who = await identity();
const provider = await Provider.start(who);
const client = await Client.make();
after(async () => {
	await client.remove();
	await provider.close();
	await who.remove();
});

const registration = (more = {}) => ({
	issuer: provider.issuer, client_id: provider.confidential.client_id, client_secret: provider.confidential.client_secret,
	redirect_uri: REDIRECT_URI, scope: SCOPE, parameters: 'prompt=consent', ca_file: who.caFile, ...more,
});

async function connect(driver, more) {
	const started = await driver.startWith(registration(more));
	assert.equal(started.status, 'ok', started.message);
	const got = await driver.finish(await provider.authorize(started.url));
	assert.equal(got.status, 'ok', got.message);
	return started.name;
}

const active = async (token) => JSON.parse((await ask(who, `${provider.issuer}/token/introspection`,
	{ client: provider.confidential, params: { token } })).body).active;

test('oidc-provider: connect with a pushed request, OpenID, iss; then call with the token', () => client.with({}, async (driver) => {
	const name = await connect(driver);
	assert.ok(provider.ledger.some((e) => e.endpoint === '/request' && e.status === 201), 'it was pushed');
	const got = await driver.token(name);
	assert.equal(await active(got.token), true);
	assert.equal((await driver.info(name)).scope.split(' ').sort().join(' '), SCOPE.split(' ').sort().join(' '));
}));

test('oidc-provider: refresh with rotation, again and again; the old one is dead', () => client.with({}, async (driver) => {
	const name = await connect(driver);
	let last = (await driver.token(name)).token;
	const before = provider.refreshes();
	for (let i = 0; i < 5; i++) {
		const got = await driver.refresh(name);
		assert.equal(got.status, 'ok', got.message);
		assert.notEqual(got.token, last);
		last = got.token;
	}
	assert.equal(provider.refreshes() - before, 5);
	assert.equal(new Set(provider.ledger.slice(-5).map((e) => e.token)).size, 5, 'a refresh token each');
	assert.equal(await active(last), true);
}));

test('oidc-provider: disconnect revokes; what was revoked is dead', () => client.with({}, async (driver) => {
	const name = await connect(driver);
	const { token } = await driver.token(name);
	const got = await driver.disconnect(name);
	assert.equal(got.status, 'ok', got.message);
	assert.equal(await active(token), false);
	await driver.drop(name);
	assert.equal((await driver.open(name)).status, 'not_found');
}));

test('oidc-provider: a grant that was revoked over there ends as reconnect', () => client.with({}, async (driver) => {
	const name = await connect(driver);
	const grants = [...new Set((await driver.refresh(name)).token)].length;
	assert.ok(grants > 0);
	const at = await provider.oidc.AccessToken.find((await driver.token(name)).token);
	await provider.oidc.RefreshToken.revokeByGrantId(at.grantId);
	const got = await driver.refresh(name);
	assert.equal(got.status, 'reconnect', got.message);
	assert.equal(got.code, 'invalid_grant');
}));

test('oidc-provider: the device flow', async () => {
	const args = ['connect', 'device', '--issuer', provider.issuer, '--client-id', provider.confidential.client_id,
		'--client-secret-file', client.file('secret', provider.confidential.client_secret), '--scope', SCOPE, '--ca-file', who.caFile, '--device'];
	const run = client.spawn(args);
	const [, url] = await run.says(/(https:\/\/localhost:\d+\/device\S*)/);
	const [, code] = await run.says(/([A-Z]{4}-[A-Z]{4})/);
	const page = await provider.device(url.split('?')[0], code);
	assert.match(page.text, /Success/i);
	assert.equal(await run.exit, 0, run.output);
	await client.with({}, async (driver) => {
		const got = await driver.refresh('device');
		assert.equal(got.status, 'ok', got.message);
		assert.equal(await active(got.token), true);
	});
});

test('oidc-provider: the person says no', () => client.with({}, async (driver) => {
	const started = await driver.startWith(registration());
	const { state } = Object.fromEntries(new URLSearchParams(new URL(started.url).search));
	assert.equal(state, undefined, 'after a push the browser carries a reference only');
	provider.refuse = true;
	const query = await provider.authorize(started.url);
	provider.refuse = false;
	const got = await driver.finish(query);
	assert.equal(got.status, 'denied', got.message);
}));

test('oidc-provider: a public client on loopback, by PKCE alone', () => client.with({}, async (driver) => {
	const name = await connect(driver, { client_id: provider.public.client_id, client_secret: undefined, redirect_uri: 'http://127.0.0.1:51234/cb' });
	assert.equal((await driver.refresh(name)).status, 'ok');
}));

// ---- beside openid-client --------------------------------------------------------------------

// What openid-client makes of an answer: does it take the code?
async function theirs(issuer, state, query) {
	const config = new openid.Configuration({ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token`,
		authorization_response_iss_parameter_supported: true }, 'ledger', {}, openid.ClientSecretBasic('secret'));
	let redeemed = false;
	config[openid.customFetch] = async () => {
		redeemed = true;
		return Response.json({ access_token: 'at_of_openid_client', token_type: 'bearer', expires_in: 3600 });
	};
	try {
		await openid.authorizationCodeGrant(config, new URL(`https://app.example/cb?${query}`),
			{ pkceCodeVerifier: openid.randomPKCECodeVerifier(), expectedState: state });
		return redeemed;
	} catch {
		return redeemed;
	}
}

for (const [what, spoil, want] of CALLBACKS)
	test(`openid-client and we agree on: ${what}`, async (t) => {
		const issuer = 'https://issuer.example';
		const state = openid.randomState();
		const takes = await theirs(issuer, state, spoil({ code: 'ac_x', state, iss: issuer }));
		if (want.status instanceof RegExp)
			return t.skip('a matter of size');
		const weTake = want.status === 'ok';
		if (takes && !weTake)
			t.diagnostic(`openid-client takes it; RULEBOOK ${what.slice(0, 5)} is stricter`);
		assert.ok(takes || !weTake, 'we take nothing that they refuse');
		if (takes && !weTake)
			assert.match(what, /^CL-13/, 'stricter only where the rulebook says so');
	});
