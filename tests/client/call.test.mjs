// SPDX-License-Identifier: Apache-2.0
//
// lk_call: RULEBOOK CL-28 and CL-34, RFC 6750 3. The API is two origins of this file; the
// authorization server is a strict one, whose refresh kills the token before it.

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';

import { connect, Driver, registration, vault } from './driver.mjs';
import { HttpsServer, identity, send } from './proofs/https.mjs';
import { Strict } from './strict.mjs';

const who = await identity();
after(() => who.remove());
const strict = await Strict.start(who);
after(() => strict.close());
const place = vault();
after(() => place.remove());
const driver = new Driver(place);
after(() => driver.end());
const registered = registration(place, { issuer: strict.issuer, caFile: who.caFile, client: strict.client, scope: strict.scope });

const INVALID = { 'WWW-Authenticate': 'Basic realm="x", Bearer realm="api", error="invalid_token"' };
let seen;
let act;

async function api() {
	const server = await new HttpsServer(who, (request, response) => {
		const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
		const one = { at: server.port, method: request.method, url: request.url, token, text: request.text, headers: request.headers };
		seen.push(one);
		const answer = act(one);
		return answer ? answer(response, request) : send(response, 200, { n: seen.length, text: request.text }, { 'X-Seen': request.url });
	}).listen();
	after(() => server.close());
	server.origin = `https://localhost:${server.port}`;
	return server;
}

const here = await api();
const there = await api();
const refuse = (response) => send(response, 401, { error: 'invalid_token' }, INVALID);
const to = (location, status = 302) => (response) => send(response, status, 'moved', { Location: location });
const call = (more = {}) => driver.ok({ do: 'call', name: 'api', url: `${here.origin}/v1/things?x=1`, ...more });

beforeEach(() => {
	seen = [];
	act = (one) => (strict.honours(one.token) ? undefined : refuse);
});

await driver.opened;
await connect(driver, 'api', registered, (url) => strict.authorize(url));

async function refreshes(count, run) {
	const before = strict.refreshes();
	const result = await run();
	assert.equal(strict.refreshes() - before, count);
	return result;
}

test('the token goes along, and the answer comes back whole', async () => {
	const answer = await refreshes(0, () => call({ headers: { Accept: 'application/json', 'X-Mine': 'a b' } }));
	assert.equal(answer.http, 200);
	assert.deepEqual(JSON.parse(answer.body), { n: 1, text: '' });
	assert.equal(answer.headers['X-Seen'], '/v1/things?x=1');
	assert.equal(seen[0].headers['x-mine'], 'a b');
	assert.equal(seen[0].token, (await driver.ok({ do: 'token', name: 'api' })).token);
});

test('CL-28 a token that died is replaced once, and the request repeated once', async () => {
	const other = new Driver(place);
	await other.opened;
	strict.accessTokens.clear(); // whatever was given out is refused
	const answer = await refreshes(1, () => call({ method: 'POST', body: '{"a":1}', headers: { 'Content-Type': 'application/json' } }));
	assert.equal(answer.http, 200);
	assert.deepEqual(seen.map((s) => [s.method, s.text]), [['POST', '{"a":1}'], ['POST', '{"a":1}']]);
	assert.notEqual(seen[0].token, seen[1].token);
	assert.equal(seen[1].headers['content-type'], 'application/json');
	await other.end();
});

test('CL-28 a sibling\'s refresh in the middle of a call costs no refresh of ours', async () => {
	const other = new Driver(place);
	const { token: old } = await other.ok({ do: 'token', name: 'api' });
	let stolen;
	act = (one) => {
		stolen ??= other.ok({ do: 'after', name: 'api', refused: old });
		return async (response) => {
			await stolen;
			return strict.honours(one.token) ? send(response, 200, {}) : refuse(response);
		};
	};
	const answer = await refreshes(1, () => call());
	assert.equal(answer.http, 200);
	assert.deepEqual(seen.map((s) => s.token), [old, (await stolen).token]);
	await other.end();
});

test('CL-28 refused twice is the answer: no loop', async () => {
	act = () => refuse;
	const answer = await refreshes(1, () => call());
	assert.equal(answer.http, 401);
	assert.equal(seen.length, 2);
	assert.equal(JSON.parse(answer.body).error, 'invalid_token');
});

test('RFC 6750 3.1 a 401 that says nothing of the token is the answer', async () => {
	for (const headers of [{}, { 'WWW-Authenticate': 'Bearer' }, { 'WWW-Authenticate': 'Bearer error="insufficient_scope"' },
		{ 'WWW-Authenticate': 'Basic error="invalid_token"' }, { 'WWW-Authenticate': 'Bearer error="invalid_token' }]) {
		act = () => (response) => send(response, 401, {}, headers);
		assert.equal((await refreshes(0, () => call())).http, 401, JSON.stringify(headers));
	}
	assert.equal(seen.length, 5);
});

test('CL-35 a step-up is the caller\'s to decide: the answer, and nobody is asked again', async () => {
	for (const [status, challenge] of [[403, 'Bearer error="insufficient_scope", scope="things:write"'],
		[401, 'Bearer error="insufficient_user_authentication", acr_values="gold", max_age=300'],
		[401, 'DPoP error="invalid_token"']]) {
		seen = [];
		act = () => (response) => send(response, status, {}, { 'WWW-Authenticate': challenge });
		const answer = await refreshes(0, () => call());
		assert.equal(answer.http, status);
		assert.equal(Object.entries(answer.headers).find(([name]) => /^www-authenticate$/i.test(name))?.[1], challenge);
		assert.equal(seen.length, 1);
	}
});

test('RFC 6750 3.1 the challenge is found in whichever field it stands', async () => {
	act = (one) => (strict.honours(one.token) && seen.length > 1 ? undefined : (response) => {
		response.writeHead(401, [['WWW-Authenticate', 'Negotiate abc=='], ['www-authenticate', 'bearer Error=invalid_token']].flat());
		response.end();
	});
	assert.equal((await refreshes(1, () => call())).http, 200);
});

test('CL-34 a redirect is followed within the origin, and no further than five', async () => {
	act = (one) => (one.url === '/v1/things?x=1' ? to('/v2/things#part') : undefined);
	assert.equal((await call()).headers['X-Seen'], '/v2/things');
	act = (one) => (one.url === '/v1/things?x=1' ? to(`${here.origin}/v3?y=2`, 308) : undefined);
	assert.equal((await call()).headers['X-Seen'], '/v3?y=2');
	assert.ok(seen.every((s) => strict.honours(s.token)));
	act = () => to('/again');
	seen = [];
	assert.equal((await call()).http, 302);
	assert.equal(seen.length, 6);
});

test('CL-34 a redirect to anywhere else is the answer, and no token goes there', async () => {
	for (const location of [`${there.origin}/v1`, `https://127.0.0.1:${here.port}/v1`, `http://localhost:${here.port}/v1`, '//localhost/v1',
		`https://user@localhost:${here.port}/v1`, 'https:/v1', 'javascript:alert(1)', '', `https://localhost:${here.port}.evil.example/`,
		`https://localhost\\@evil.example:${here.port}/`]) {
		act = () => to(location);
		seen = [];
		const answer = await call();
		assert.equal(answer.http, 302, location);
		assert.deepEqual(seen.map((s) => s.at), [here.port], location);
	}
});

test('CL-34 what changes things is not redirected', async () => {
	act = () => to('/v2', 307);
	assert.equal((await call({ method: 'POST', body: 'x' })).http, 307);
	assert.equal((await call({ method: 'DELETE' })).http, 307);
	assert.deepEqual(seen.map((s) => s.method), ['POST', 'DELETE']);
});

test('a sink is given the body of the answer that is returned, and of no other', async () => {
	strict.accessTokens.clear();
	const answer = await call({ sink: true });
	assert.equal(answer.http, 200);
	assert.equal(answer.body, '');
	assert.deepEqual(JSON.parse(answer.sunk.join('')), { n: 2, text: '' });
	act = () => refuse;
	assert.deepEqual(JSON.parse((await call({ sink: true })).sunk.join('')), { error: 'invalid_token' });
	act = () => (response) => send(response, 401, 'plain');
	assert.deepEqual((await call({ sink: true })).sunk, ['plain']);
	act = () => to('/loop');
	assert.deepEqual((await call({ sink: true })).sunk, ['moved']);
});

test('HEAD has no body; a large answer is refused, or allowed by name, or streamed', async () => {
	assert.equal((await call({ method: 'HEAD' })).body, '');
	act = () => (response) => send(response, 200, 'z'.repeat(3 << 20));
	const large = await driver.ends('rejected', { do: 'call', name: 'api', url: here.origin });
	assert.match(large.message, /max_body/);
	assert.equal((await call({ max_body: 4 << 20 })).body.length, 3 << 20);
	assert.equal((await call({ sink: true })).sunk.join('').length, 3 << 20);
});

test('a child of fork() that closes what it has ends nothing of its parent\'s', async () => {
	const ports = [];
	act = () => (response) => { ports.push(response.socket.remotePort); send(response, 200, {}); };
	await call();
	await driver.ok({ do: 'token', name: 'api' });
	assert.equal((await driver.ok({ do: 'fork', name: 'api' })).child, 'bug');
	await call();
	assert.equal(ports[1], ports[0]); // the same connection still
});

test('a body goes along with whatever method is named', async () => {
	for (const method of ['GET', 'DELETE', 'QUERY']) {
		await call({ method, body: 'asked' });
		assert.deepEqual([seen.at(-1).method, seen.at(-1).text], [method, 'asked']);
	}
});

test('what may not be sent is not sent', async () => {
	const wrong = async (status, more) => driver.ends(status, { do: 'call', name: 'api', url: here.origin, ...more });
	await wrong('bug', { headers: { authorization: 'Basic x' } });
	await wrong('bug', { headers: { Host: 'x' } });
	await wrong('bug', { headers: { 'Content-Length': '1' } });
	await wrong('bug', { method: 'HEAD', body: 'it would have been left out' });
	await wrong('configuration', { headers: { 'X-A': 'b\r\nX-C: d' } });
	await wrong('configuration', { url: here.origin.replace('https', 'http') });
	await wrong('configuration', { url: 'localhost/x' });
	await wrong('configuration', { url: `https://u:p@localhost:${here.port}/` });
	assert.equal(seen.length, 0);
	await wrong('try_later', { url: 'https://localhost:1/' });
	act = () => (response) => response.socket.destroy();
	assert.match((await wrong('try_later', {})).message, /it may have been done/);
});
