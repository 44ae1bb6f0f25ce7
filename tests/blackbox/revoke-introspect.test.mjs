// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK sections 16 and 17: revocation (RFC 7009) and introspection (RFC 7662).

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ACME, close, startCast, table } from '../lib/cast.mjs';
import { address, basic, random } from '../lib/latchkey.mjs';
import { INACTIVE, J400, J401, OK, STATUS, TOKENS, noChange } from '../lib/outcome.mjs';

const lk = await startCast({
	prepare: async (made) => {
		made.ledgerApi = await made.resource('Ledger API', { uri: 'https://ledger.example/api' });
	},
});

function REVOKED(answer) {
	assert.equal(answer.status, 200, String(answer));
	assert.equal(answer.body.length, 0);
	assert.equal(answer.get('cache-control'), 'no-store');
}

// ---- section 16 ---------------------------------------------------------------------------

table('RV-01 order:', [
	['the client before the token', () => lk.post('/oauth/revoke', {}, [['Authorization', basic(lk.web.client_id, 'wrong')]], { from: address() }), J401('invalid_client')],
	['nobody', () => lk.post('/oauth/revoke', { token: 'x' }), J400('invalid_client')],
	['a confidential client by its client_id alone', () => lk.post('/oauth/revoke', { token: 'x', client_id: lk.web.client_id }), J400('invalid_client')],
	['token missing', () => lk.postAs(lk.web, '/oauth/revoke', {}), J400('invalid_request')],
	['token missing, public', () => lk.postAs(lk.spa, '/oauth/revoke', {}), J400('invalid_request')],
	['token empty', () => lk.postAs(lk.web, '/oauth/revoke', 'token='), J400('invalid_request')],
], async (ask, expected) => expected(await ask()));

table('RV-02 200 and nothing said:', [
	['unknown', () => random(30)], ['malformed', () => 'lk_rt_!!!'], ['the form of one', () => `lk_at_${random(37)}`],
	['one character', () => 'x'],
], async (make) => {
	REVOKED(await lk.revoke(lk.web, make()));
	REVOKED(await lk.revoke(lk.spa, make()));
});

test('RV-02 already revoked', async () => {
	const tokens = await lk.grant(lk.web);
	for (let i = 0; i < 2; i++) {
		REVOKED(await lk.revoke(lk.web, tokens.access_token));
		REVOKED(await lk.revoke(lk.web, tokens.refresh_token));
	}
});

test('RV-03 the token of another client', async () => {
	const tokens = await lk.grant(lk.web);
	for (const token of [tokens.access_token, tokens.refresh_token])
		for (const client of [lk.web2, lk.spa])
			J400('invalid_grant')(await lk.revoke(client, token));
	assert.equal(await lk.active(tokens.access_token), true);
	await noChange(() => lk.refresh(lk.web, tokens.refresh_token));
	const own = TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' })).access_token;
	J400('invalid_grant')(await lk.revoke(lk.web, own));
	assert.equal(await lk.active(own), true);
});

test('RV-04 the current refresh token ends everything at once', async () => {
	for (const client of [lk.web, lk.native]) {
		const tokens = await lk.grant(client, client.native ? { redirect_uri: 'http://127.0.0.1:5000/cb' } : {});
		REVOKED(await lk.revoke(client, tokens.refresh_token));
		INACTIVE(await lk.introspect(tokens.access_token));
		J400('invalid_grant')(await lk.refresh(client, tokens.refresh_token));
	}
});

test('RV-04 a superseded refresh token ends everything too', async () => {
	const first = await lk.grant(lk.web);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	REVOKED(await lk.revoke(lk.web, first.refresh_token));
	INACTIVE(await lk.introspect(second.access_token));
	J400('invalid_grant')(await lk.refresh(lk.web, second.refresh_token));
});

test('RV-05 an access token dies alone', async () => {
	const first = await lk.grant(lk.web);
	REVOKED(await lk.revoke(lk.web, first.access_token));
	INACTIVE(await lk.introspect(first.access_token));
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	assert.equal(await lk.active(second.access_token), true);
	REVOKED(await lk.revoke(lk.web, first.access_token)); // a superseded one harms nothing
	assert.equal(await lk.active(second.access_token), true);
});

table('RV-06 the hint does not matter:', [
	['wrong', 'access_token'], ['unknown', 'frobnicate'], ['right', 'refresh_token'], ['empty', ''],
], async (token_type_hint) => {
	const tokens = await lk.grant(lk.web);
	REVOKED(await lk.revoke(lk.web, tokens.refresh_token, { token_type_hint }));
	INACTIVE(await lk.introspect(tokens.access_token));
});

test('RV-06 a code can be revoked before it is redeemed', async () => {
	const granted = await lk.authorize(lk.web);
	REVOKED(await lk.revoke(lk.web, granted.code));
	const answer = await lk.exchange(lk.web, granted);
	if (answer.status === 200)
		TOKENS(answer); // RFC 7009 knows tokens only: then nothing may have changed
	else
		J400('invalid_grant')(answer);
});

test('RV-07 GET is 405, a callback is ignored', async () => {
	const tokens = await lk.grant(lk.web);
	STATUS(405)(await lk.get(`/oauth/revoke?token=${tokens.access_token}&callback=x`, [['Authorization', basic(lk.web.client_id, lk.web.client_secret)]]));
	assert.equal(await lk.active(tokens.access_token), true);
	const answer = await lk.revoke(lk.web, tokens.access_token, { callback: 'steal' });
	REVOKED(answer);
});

// ---- section 17 -------------------------------------------------------------------------

table('IN-01 who may ask:', [
	['wrong secret', () => lk.post('/oauth/introspect', { token: 'x' }, [['Authorization', basic(lk.api.client_id, 'wrong')]], { from: address() }), J401('invalid_client')],
	['nobody', () => lk.post('/oauth/introspect', { token: 'x' }), J400('invalid_client')],
	['a public client', () => lk.introspect('x', {}, { as: lk.spa }), J400('unauthorized_client')],
	['a confidential client that is no resource server', () => lk.introspect('x', {}, { as: lk.web }), J400('unauthorized_client')],
	['a client_credentials client', () => lk.introspect('x', {}, { as: lk.machine }), J400('unauthorized_client')],
	['a bearer token', () => lk.post('/oauth/introspect', { token: 'x' }, [['Authorization', 'Bearer x']]), J401('invalid_client')],
], async (ask, expected) => expected(await ask()));

test('IN-01 a client may not even ask about its own token', async () => {
	const tokens = await lk.grant(lk.web);
	J400('unauthorized_client')(await lk.introspect(tokens.access_token, {}, { as: lk.web }));
});

test('IN-02 token missing', async () => {
	J400('invalid_request')(await lk.postAs(lk.api, '/oauth/introspect', {}));
	J400('invalid_request')(await lk.postAs(lk.api, '/oauth/introspect', 'token='));
});

table('IN-03 inactive, and nothing more is said:', [
	['unknown', async () => random(30)],
	['malformed', async () => 'lk_at_%'],
	['a refresh token', async () => (await lk.grant(lk.web)).refresh_token],
	['a code', async () => (await lk.authorize(lk.web)).code],
	['revoked', async () => {
		const { access_token } = await lk.grant(lk.web);
		await lk.revoke(lk.web, access_token);
		return access_token;
	}],
	['superseded', async () => {
		const tokens = await lk.grant(lk.web);
		await lk.refresh(lk.web, tokens.refresh_token);
		return tokens.access_token;
	}],
], async (make) => INACTIVE(await lk.introspect(await make())));

test('IN-03 a token for another resource', async () => {
	const answer = await lk.authorize(lk.web, { resource: 'https://ledger.example/api', prompt: 'consent' });
	assert.ok(answer.code, String(answer));
	const tokens = TOKENS(await lk.exchange(lk.web, answer));
	assert.equal((await lk.introspect(tokens.access_token, {}, { as: lk.ledgerApi })).json.active, true);
	INACTIVE(await lk.introspect(tokens.access_token));
});

test('IN-04 what an active token says', async () => {
	const before = Math.floor(Date.now() / 1000);
	const tokens = await lk.grant(lk.web, {}, { user: lk.ana });
	const answer = await lk.introspect(tokens.access_token);
	OK(answer);
	const told = answer.json;
	assert.equal(told.active, true);
	assert.equal(told.iss, lk.issuer);
	assert.equal(told.client_id, lk.web.client_id);
	assert.equal(told.scope.split(' ').sort().join(' '), lk.web.scope.split(' ').sort().join(' '));
	assert.ok(typeof told.aud === 'string' || told.aud.length > 0);
	assert.equal(typeof told.sub, 'string');
	assert.ok(Number.isInteger(told.exp) && Number.isInteger(told.iat) && Number.isInteger(told.auth_time));
	assert.ok(told.iat >= before - 1 && told.iat <= before + 5);
	assert.ok(told.auth_time <= told.iat);
	assert.equal(told.exp - told.iat, 600);
	assert.equal(told.token_type, 'Bearer');
	assert.equal(typeof told.jti, 'string');
	assert.ok(!tokens.access_token.includes(told.jti) && !tokens.refresh_token.includes(told.jti));
	assert.equal(told.username, undefined);
	assert.ok(Object.values(told).some((v) => v === ACME || v === 'urn:acme:company:2'), JSON.stringify(told));
	assert.ok(!answer.text.includes('lk_'), answer.text.replace(/lk[cu]_/g, ''));
});

test('IN-04 sub is the person\'s, stable, and not the name they type', async () => {
	const one = (await lk.introspect((await lk.grant(lk.web)).access_token)).json;
	const two = (await lk.introspect((await lk.grant(lk.web2)).access_token)).json;
	const ben = (await lk.introspect((await lk.grant(lk.web, {}, { user: lk.ben })).access_token)).json;
	assert.equal(one.sub, two.sub);
	assert.notEqual(one.sub, ben.sub);
	assert.notEqual(one.sub, 'ana');
	assert.notEqual(one.jti, two.jti);
});

test('IN-04 the jti changes with the token', async () => {
	const first = await lk.grant(lk.web);
	const a = (await lk.introspect(first.access_token)).json;
	assert.equal((await lk.introspect(first.access_token)).json.jti, a.jti);
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token));
	assert.notEqual((await lk.introspect(second.access_token)).json.jti, a.jti);
});

test('IN-05 a DPoP header is ignored', async () => {
	const { access_token } = await lk.grant(lk.web);
	const answer = await lk.introspect(access_token, {}, { headers: [['DPoP', 'nonsense']] });
	assert.equal(answer.json.active, true);
});

test('IN-06 no delay after a refresh or a revocation, on any connection', async () => {
	let tokens = await lk.grant(lk.web);
	const others = Array.from({ length: 4 }, () => address());
	const everywhere = async (token, active) => {
		for (const from of others)
			assert.equal((await lk.introspect(token, {}, { from })).json.active, active);
	};
	for (let i = 0; i < 5; i++) {
		const old = tokens;
		await everywhere(old.access_token, true);
		tokens = TOKENS(await lk.refresh(lk.web, old.refresh_token));
		await everywhere(old.access_token, false);
		await everywhere(tokens.access_token, true);
	}
	await lk.revoke(lk.web, tokens.access_token);
	await everywhere(tokens.access_token, false);
});

test('IN-06 introspection during a refresh: never two, and the newest is live once answered', async () => {
	let tokens = await lk.grant(lk.web);
	for (let i = 0; i < 10; i++) {
		const asked = Promise.all(others(tokens.access_token));
		const next = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
		assert.equal(await lk.active(next.access_token), true);
		assert.equal(await lk.active(tokens.access_token), false);
		await asked;
		tokens = next;
	}
	function others(token) {
		return Array.from({ length: 4 }, () => lk.introspect(token).then(OK));
	}
});

test('IN-07 a JWT answer is not offered: plain JSON', async () => {
	const { access_token } = await lk.grant(lk.web);
	const answer = await lk.introspect(access_token, {}, { headers: [['Accept', 'application/token-introspection+jwt']] });
	OK(answer);
	assert.equal(answer.json.active, true);
});

close(lk);
