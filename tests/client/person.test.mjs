// SPDX-License-Identifier: Apache-2.0
//
// lk_connect: an installed program and the person at it (RFC 8252, RFC 8628; RULEBOOK
// CL-09, CL-14, CL-15, CL-33). The browser is this file; the program is the driver.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { connect, consenting, Driver, registration, vault } from './driver.mjs';
import { identity } from './proofs/https.mjs';
import { Strict } from './strict.mjs';

const lk = await startCast();
after(() => lk.remove());
const who = await identity();
after(() => who.remove());
const strict = await Strict.start(who);
after(() => strict.close());
const place = vault();
after(() => place.remove());
const driver = new Driver(place, { env: { BROWSER: '/bin/true' } });
after(() => driver.end());
await driver.opened;

const native = registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.native, redirectUri: 'http://127.0.0.1/cb' });
const elsewhere = registration(place, { issuer: strict.issuer, caFile: who.caFile, client: strict.client, scope: strict.scope });
const ana = consenting(lk, lk.ana);

// What a browser sees at a loopback address: {status, headers, body}.
function visit(url) {
	return new Promise((resolve, reject) => {
		http.get(url, async (answer) => {
			let body = '';
			for await (const part of answer)
				body += part;
			resolve({ status: answer.statusCode, headers: answer.headers, body });
		}).on('error', reject);
	});
}

test('the system browser, and one answer on loopback', async () => {
	let seen;
	const answer = await driver.ok({ do: 'connect', name: 'desk', way: 'browser', ...native }, async ({ show, way }) => {
		assert.equal(way, 'browser');
		const redirect = new URL(new URL(show).searchParams.get('redirect_uri'));
		assert.equal(redirect.hostname, '127.0.0.1');
		assert.notEqual(redirect.port, '');
		const wrong = await visit(`${redirect}?state=${'A'.repeat(43)}&code=x`);
		assert.equal(wrong.status, 400);
		const first = await visit(`${redirect}?${await ana(show)}`);
		assert.ok(first.status >= 300 && first.status < 400, `${first.status}`);
		seen = visit(new URL(first.headers.location, redirect));
	});
	assert.equal(answer.status, 'ok');
	const page = await seen;
	assert.equal(page.status, 200);
	assert.equal(page.headers['referrer-policy'], 'no-referrer');
	assert.match(page.body, /connected/i);
	assert.equal(await lk.active((await driver.ok({ do: 'token', name: 'desk' })).token), true);
});

test('connecting again on loopback: the redirect URI is kept without the port of that day', async () => {
	const { info } = await driver.ok({ do: 'info', name: 'desk' });
	assert.equal(info.redirect_uri, 'http://127.0.0.1/cb');
	await driver.ok({ do: 'connect', name: 'desk', way: 'browser' }, async ({ show }) => {
		const redirect = new URL(new URL(show).searchParams.get('redirect_uri'));
		const first = await visit(`${redirect}?${await ana(show)}`);
		visit(new URL(first.headers.location, redirect));
	});
	assert.equal(await lk.active((await driver.ok({ do: 'token', name: 'desk' })).token), true);
});

test('CL-15 nobody answers: the wait has an end', async () => {
	const answer = await driver.ends('try_later', { do: 'connect', name: 'nobody', way: 'browser', timeout_s: 1, ...native });
	assert.ok(answer.took_us > 900000 && answer.took_us < 20000000);
});

test('the URL is pasted back, whole, after a wrong line', async () => {
	await driver.ok({ do: 'connect', name: 'pasted', way: 'paste', ...native, redirect_uri: 'http://127.0.0.1:4711/cb' }, async ({ show }) => {
		driver.write('http://127.0.0.1:4711/cb');
		driver.write(` http://127.0.0.1:4711/cb?${await ana(show)} `);
	});
	assert.equal(await lk.active((await driver.ok({ do: 'token', name: 'pasted' })).token), true);
});

test('CL-15 an address that is pasted too late is not taken, whatever the host waits for', async () => {
	const { message } = await driver.ends('try_later', { do: 'connect', name: 'tardy', way: 'paste', timeout_s: 1, ...native, redirect_uri: 'http://127.0.0.1:4711/cb' }, async ({ show }) => {
		const query = await ana(show);
		setTimeout(() => driver.write(`http://127.0.0.1:4711/cb?${query}`), 1200);
	});
	assert.match(message, /in time: connect again/);
	await driver.ends('not_found', { do: 'connection', name: 'tardy' });
});

test('RFC 8628 a code is typed in elsewhere', async () => {
	await driver.ok({ do: 'connect', name: 'device', way: 'device', ...elsewhere }, ({ show, user_code: code, way }) => {
		assert.equal(way, 'device');
		assert.equal(show, `${strict.issuer}/device-page`);
		setTimeout(() => strict.decide(code), 1500);
	});
	const { token } = await driver.ok({ do: 'token', name: 'device' });
	assert.equal(strict.honours(token), true);
	const { token: next } = await driver.ok({ do: 'after', name: 'device', refused: token });
	assert.equal(strict.honours(next), true);
	await driver.ends('denied', { do: 'connect', name: 'refused', way: 'device', ...elsewhere }, ({ user_code: code }) => strict.decide(code, false));
});

test('a server without the device flow says so', async () => {
	const answer = await driver.ends('configuration', { do: 'connect', name: 'none', way: 'device', ...native });
	assert.match(answer.message, /device/);
});

test('an SSH session has no browser: the best way is another', async () => {
	const remote = new Driver(place, { env: { SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22', BROWSER: '/bin/true', DISPLAY: '' } });
	await remote.opened;
	await remote.ok({ do: 'connect', name: 'ssh', way: 'best', ...elsewhere }, ({ way, user_code: code }) => {
		assert.equal(way, 'device');
		strict.decide(code);
	});
	await remote.ok({ do: 'connect', name: 'ssh', way: 'best', ...native, redirect_uri: 'http://127.0.0.1:4711/cb' }, async ({ show, way }) => {
		assert.equal(way, 'paste');
		remote.write(`http://127.0.0.1:4711/cb?${await ana(show)}`);
	});
	await remote.end();
});

test('a web application and an installed one share a vault', async () => {
	await connect(driver, 'web', registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.web }), ana);
	const { list } = await driver.ok({ do: 'list' });
	assert.deepEqual(list.map((c) => c.name), ['desk', 'device', 'pasted', 'ssh', 'web']);
});
