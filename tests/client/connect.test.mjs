// SPDX-License-Identifier: Apache-2.0
//
// A web application that connects people: RULEBOOK section 27, CL-05 to CL-17 and
// CL-39, through latchkey.h, against the real server.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { connect, consenting, Driver, registration, vault } from './driver.mjs';

const lk = await startCast();
after(() => lk.remove());
const place = vault();
after(() => place.remove());
const driver = new Driver(place);
after(() => driver.end());
await driver.opened;

const registered = registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.web });
const ana = consenting(lk, lk.ana);
const start = async (name, browser) => {
	const { url } = await driver.ok({ do: 'start', name, browser, ...registered });
	lk.secret(new URL(url).searchParams.get('state'));
	return { url };
};
const token = async (name) => lk.secret((await driver.ok({ do: 'token', name })).token);
const finish = (browser, query) => driver.send({ do: 'finish', browser, query });

test('two requests of a browser make a connection, and its token is honoured', async () => {
	await connect(driver, 'acme', registered, ana);
	assert.equal(await lk.active(await token('acme')), true);
	const { expires_in: left } = await driver.ok({ do: 'token', name: 'acme' });
	assert.ok(left > 590 && left <= 600, left);
	const { info } = await driver.ok({ do: 'info', name: 'acme' });
	assert.equal(info.state, 'connected');
	assert.equal(info.issuer, lk.issuer);
	assert.equal(info.client_id, lk.web.client_id);
	assert.equal(info.scope, lk.web.scope);
	assert.match(info.subject, /^urn:acme:company:/);
	assert.equal(info.unanswered, false);
	assert.ok(Math.abs(info.connected_at - Date.now() / 1000) < 60);
	assert.ok(Math.abs(info.expires_at - info.connected_at - 600) < 10);
});

test('another process that has the vault finishes what one has begun', async () => {
	const other = new Driver(place);
	const { url } = await start('elsewhere', 'session-2');
	await other.opened;
	await other.ok({ do: 'finish', browser: 'session-2', query: await ana(url) });
	assert.equal(await lk.active(await token('elsewhere')), true);
	await other.end();
});

test('CL-05 an answer is taken once', async () => {
	const { url } = await start('once', 'session-3');
	const query = await ana(url);
	assert.equal((await finish('session-3', query)).status, 'ok');
	const again = await finish('session-3', query);
	assert.equal(again.status, 'rejected');
	assert.match(again.message, /unknown, used/);
	await driver.ok({ do: 'token', name: 'once' });
});

test('CL-05 an answer of another browser is not taken, and ends the attempt', async () => {
	const { url } = await start('browsers', 'session-4');
	const query = await ana(url);
	const wrong = await finish('session-5', query);
	assert.equal(wrong.status, 'rejected');
	assert.match(wrong.message, /another browser/);
	assert.equal((await finish('session-4', query)).status, 'rejected');
	assert.equal((await driver.send({ do: 'connection', name: 'browsers' })).status, 'not_found');
});

test('CL-11 an unknown state is rejected before anything else is looked at', async () => {
	for (const query of ['', 'state=x', `code=a&state=${'A'.repeat(43)}`, `error=access_denied&state=${'B'.repeat(43)}`]) {
		const answer = await finish('session-6', query);
		assert.equal(answer.status, 'rejected', query);
		assert.doesNotMatch(answer.message, /access_denied/);
	}
});

test('CL-12 an answer with another issuer is rejected and no code is spent', async () => {
	const { url } = await start('mixed', 'session-7');
	const query = new URLSearchParams(await ana(url));
	query.set('iss', 'https://elsewhere.example');
	const answer = await finish('session-7', query.toString());
	assert.equal(answer.status, 'rejected');
	assert.match(answer.message, /iss/);
});

test('the person says no: denied, and nothing stands', async () => {
	const { url } = await start('denied', 'session-8');
	const browser = await lk.as(lk.ben);
	const said = await browser.walk(await browser.get(lk.local(url)), { user: lk.ben, decision: 'deny' });
	const answer = await finish('session-8', new URL(said.get('location')).search.slice(1));
	assert.equal(answer.status, 'denied');
	assert.equal(answer.code, 'access_denied');
	assert.equal((await driver.send({ do: 'token', name: 'denied' })).status, 'not_found');
});

test('connecting again replaces the connection and revokes what stood there', async () => {
	const before = await token('acme');
	// The secret that is in the vault serves where no file is named.
	const { client_secret_file: _, ...without } = registered;
	await connect(driver, 'acme', without, ana);
	const now = await token('acme');
	assert.notEqual(now, before);
	assert.equal(await lk.active(before), false);
	assert.equal(await lk.active(now), true);
	const { log } = await driver.ok({ do: 'log', name: 'acme' });
	assert.deepEqual(log.map((l) => [l.event, l.status]), [['connect', 'ok'], ['revoke', 'ok'], ['connect', 'ok']]);
});

test('connecting again needs the name alone; half a registration, or a new name, does not', async () => {
	await connect(driver, 'acme', {}, ana);
	assert.equal(await lk.active(await token('acme')), true);
	const { info } = await driver.ok({ do: 'info', name: 'acme' });
	assert.deepEqual([info.redirect_uri, info.asked_scope], [lk.web.redirect_uri, lk.web.scope]);
	for (const half of [{ issuer: lk.issuer }, { client_id: lk.web.client_id }])
		assert.match((await driver.ends('configuration', { do: 'start', name: 'acme', browser: 's', ...half })).message, /both|neither/);
	const none = await driver.ends('configuration', { do: 'start', name: 'nobody', browser: 's' });
	assert.match(none.message, /no connection "nobody" yet: .*issuer and a client_id/);
});

test('CL-39 disconnecting revokes, and forgets all but that it was', async () => {
	await connect(driver, 'short', registered, ana);
	const last = await token('short');
	await driver.ok({ do: 'disconnect', name: 'short' });
	assert.equal(await lk.active(last), false);
	assert.equal((await driver.send({ do: 'token', name: 'short' })).status, 'not_found');
	await driver.ok({ do: 'drop', name: 'short' });
	assert.equal((await driver.send({ do: 'connection', name: 'short' })).status, 'not_found');
	const { list } = await driver.ok({ do: 'list' });
	assert.deepEqual(list.map((c) => c.name), ['acme', 'elsewhere', 'once']);
});

test('what cannot work is said before a person is sent anywhere', async () => {
	const wrong = async (change, status, words) => {
		const answer = await driver.send({ do: 'start', name: 'wrong', browser: 's', ...registered, ...change });
		assert.equal(answer.status, status, JSON.stringify(change));
		assert.match(answer.message, words);
	};
	await wrong({ redirect_uri: undefined }, 'configuration', /redirect_uri/);
	await wrong({ issuer: undefined }, 'configuration', /issuer/);
	await wrong({ client_id: '' }, 'configuration', /client_id/);
	await wrong({ client_secret_file: '/nowhere' }, 'configuration', /\/nowhere/);
	await wrong({ client_secret_file: place.file('empty', '\n') }, 'configuration', /no client secret/);
	await wrong({ issuer: lk.issuer.replace('https', 'http') }, 'configuration', /https/);
	await wrong({ issuer: `${lk.issuer}/` }, 'rejected', /./);
	await wrong({ ca_file: undefined }, 'configuration', /certificate .*\(ca_file\)/);
	await wrong({ token_endpoint: `${lk.issuer}/oauth/token` }, 'configuration', /both/);
	await wrong({ name: '../acme' }, 'bug', /name/);
	await wrong({ browser: '' }, 'bug', /browser/);
	await wrong({ parameters: 'state=mine' }, 'configuration', /state/);
});

test('no token, secret, code or verifier stands in any file, event or message', async () => {
	const { events } = await driver.ok({ do: 'events' });
	const told = JSON.stringify(events);
	assert.ok(lk.ledger.secrets.size > 10);
	assert.deepEqual(lk.ledger.found(told), []);
	for (const entry of fs.readdirSync(place.vault, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile())
			continue;
		const text = fs.readFileSync(path.join(entry.parentPath ?? entry.path, entry.name), 'latin1');
		assert.deepEqual(lk.ledger.found(text), [], entry.name);
	}
});
