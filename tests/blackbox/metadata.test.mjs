// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 18: what we say we can do, and that it is so.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SCOPES, cast, close, startCast, table } from '../lib/cast.mjs';
import { Latchkey } from '../lib/latchkey.mjs';
import { CODE, J400, OK, PAGE, RED, TOKENS } from '../lib/outcome.mjs';

const PATH = '/.well-known/oauth-authorization-server';
const lk = await startCast();
const answer = await lk.get(PATH);
const told = answer.json;

test('MD-01 an issuer with a path is served where RFC 8414 puts it', async () => {
	const under = await Latchkey.start({ issuerPath: '/t1', prepare: cast });
	try {
		const at = await under.get(`${PATH}/t1`);
		assert.equal(at.status, 200, String(at));
		assert.equal(at.json.issuer, under.issuer);
		for (const name of ['authorization_endpoint', 'token_endpoint', 'revocation_endpoint', 'introspection_endpoint'])
			assert.ok(at.json[name].startsWith(`${under.issuer}/oauth/`), at.json[name]);
		assert.equal((await under.get(PATH)).status, 404);
		assert.equal((await under.get(`${PATH}/t2`)).status, 404);
		const token = await under.post('/t1/oauth/token', { grant_type: 'client_credentials' });
		J400('invalid_client')(token);
	} finally {
		await under.remove();
	}
});

test('MD-02 the response', async () => {
	assert.equal(answer.status, 200);
	assert.match(answer.get('content-type'), /^application\/json/);
	const [, age] = /max-age=(\d+)/.exec(answer.get('cache-control')) ?? [];
	assert.ok(Number(age) > 0 && Number(age) <= 3600, answer.get('cache-control'));
	assert.equal(answer.get('access-control-allow-origin'), '*');
	assert.equal(answer.all('set-cookie').length, 0);
	const etag = answer.get('etag');
	assert.match(etag ?? '', /^(W\/)?"[^"]+"$/);
	assert.equal((await lk.get(PATH, [['If-None-Match', etag]])).status, 304);
	assert.equal((await lk.get(PATH, [['If-None-Match', '"other"']])).status, 200);
	assert.equal((await lk.get(`${PATH}/nowhere`)).status, 404);
});

test('MD-03 the issuer', async () => {
	assert.equal(told.issuer, lk.issuer);
	assert.match(told.issuer, /^https:\/\/[^?#]*[^/?#]$/);
	assert.equal((await lk.authorize(lk.web)).got_iss, told.issuer);
	assert.equal((await lk.introspect((await lk.grant(lk.web)).access_token)).json.iss, told.issuer);
});

test('MD-04 no empty lists, no nulls', () => {
	for (const [name, value] of Object.entries(told)) {
		assert.notEqual(value, null, name);
		assert.ok(!Array.isArray(value) || value.length > 0, name);
	}
});

test('MD-05 every URL is https, here, reachable, without fragment', async () => {
	for (const [name, value] of Object.entries(told).filter(([n, v]) => typeof v === 'string' && n !== 'issuer')) {
		const url = new URL(value);
		assert.equal(url.origin, lk.issuer, name);
		assert.equal(url.hash, '');
		assert.ok(![404, 500, 503].includes((await lk.get(url.pathname)).status), name);
	}
});

test('MD-07 members whose default would be wrong are there', () => {
	assert.deepEqual(told.response_modes_supported, ['query', 'form_post']);
	assert.deepEqual([...told.grant_types_supported].sort(), ['authorization_code', 'client_credentials', 'refresh_token']);
	assert.equal(told.request_uri_parameter_supported, false);
	assert.equal(told.request_parameter_supported, false);
	assert.deepEqual([...told.token_endpoint_auth_methods_supported].sort(), ['client_secret_basic', 'none']);
	assert.deepEqual([...told.revocation_endpoint_auth_methods_supported].sort(), ['client_secret_basic', 'none']);
	assert.deepEqual(told.introspection_endpoint_auth_methods_supported, ['client_secret_basic']);
});

test('MD-08 S256 and nothing else', () => {
	assert.deepEqual(told.code_challenge_methods_supported, ['S256']);
});

test('MD-06 the published members', () => {
	assert.equal(told.authorization_endpoint, `${lk.issuer}/oauth/authorize`);
	assert.equal(told.token_endpoint, `${lk.issuer}/oauth/token`);
	assert.equal(told.revocation_endpoint, `${lk.issuer}/oauth/revoke`);
	assert.equal(told.introspection_endpoint, `${lk.issuer}/oauth/introspect`);
	assert.deepEqual(told.response_types_supported, ['code']);
	assert.equal(told.authorization_response_iss_parameter_supported, true);
	assert.deepEqual([...told.scopes_supported].sort(), Object.keys(SCOPES).sort());
});

table('MD-06 not built, so not listed:', [
	'userinfo_endpoint', 'jwks_uri', 'pushed_authorization_request_endpoint', 'device_authorization_endpoint',
	'end_session_endpoint', 'registration_endpoint', 'dpop_signing_alg_values_supported', 'check_session_iframe',
	'tls_client_certificate_bound_access_tokens', 'mtls_endpoint_aliases', 'frontchannel_logout_supported',
	'backchannel_logout_supported', 'id_token_signing_alg_values_supported', 'token_endpoint_auth_signing_alg_values_supported',
	'claims_supported', 'authorization_details_types_supported',
].map((name) => [name, name]), (name) => assert.ok(!(name in told)));

table('MD-06 not listed, so not there:', [
	'/oauth/par', '/oauth/device_authorization', '/oauth/register', '/oauth/userinfo', '/oauth/jwks', '/oauth/end_session',
	'/.well-known/openid-configuration', '/.well-known/jwks.json', '/device',
].map((path) => [path, path]), async (path) => {
	assert.equal((await lk.get(path)).status, 404);
	assert.equal((await lk.post(path, 'client_id=x')).status, 404);
});

test('MD-06 every listed grant type works, others do not', async (t) => {
	const works = {
		authorization_code: async () => TOKENS((await lk.grant(lk.web)).answer),
		refresh_token: async () => TOKENS(await lk.refresh(lk.web, (await lk.grant(lk.web)).refresh_token)),
		client_credentials: async () => TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' })),
	};
	for (const type of told.grant_types_supported)
		await t.test(type, works[type]);
	J400('unsupported_grant_type')(await lk.token(lk.web, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }));
});

test('MD-06 every listed response mode and type works, others do not', async (t) => {
	for (const response_mode of told.response_modes_supported)
		await t.test(response_mode, async () => CODE(await lk.authorize(lk.web, { response_mode })));
	PAGE(400)(await lk.ask(lk.web, { response_mode: 'fragment' }));
	for (const response_type of told.response_types_supported)
		CODE(await lk.authorize(lk.web, { response_type }));
	RED('unsupported_response_type')(await lk.ask(lk.web, { response_type: 'token' }));
	RED('invalid_request')(await lk.ask(lk.web, { code_challenge_method: 'plain' }));
});

test('MD-06 every listed authentication method works, others do not', async () => {
	OK(await lk.revoke(lk.web, 'x'));
	OK(await lk.revoke(lk.spa, 'x'));
	OK(await lk.introspect('x'));
	J400('unauthorized_client')(await lk.introspect('x', {}, { as: lk.spa }));
	J400('invalid_client')(await lk.post('/oauth/token', {
		grant_type: 'client_credentials', client_id: lk.machine.client_id, client_secret: lk.machine.client_secret,
	}));
});

test('MD-06 every listed scope can be asked for by a client that may', async () => {
	for (const scope of told.scopes_supported.filter((s) => s.startsWith('export-jobs')))
		CODE(await lk.authorize(lk.web, { scope }));
	const { scopes_supported: before } = told;
	await lk.scope('invoices:read', 'See your invoices');
	await lk.eventually('the new scope', async () => (await lk.get(PATH)).json.scopes_supported.length === before.length + 1);
});

close(lk);
