// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 7: what reaches the client's redirect URI, and nothing else.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { decode, fill, forms, random } from '../lib/latchkey.mjs';
import { CODE, J400, OK, PAGE, RED } from '../lib/outcome.mjs';

const lk = await startCast();

test('AR-01 success is 303 with code, iss and state, and tells no one else', async () => {
	const answer = await lk.authorize(lk.web);
	CODE(answer);
	assert.deepEqual(answer.sent.map(([n]) => n).sort(), ['code', 'iss', 'state']);
	assert.equal(answer.got_iss, lk.issuer);
	assert.equal(answer.get('cache-control'), 'no-store');
	assert.equal(answer.get('referrer-policy'), 'no-referrer');
	assert.ok(answer.body.length < 1000);
	assert.ok(!answer.text.includes(answer.code));
});

table('AR-02 state comes back unchanged:', [
	['spaces', 'a b  c '], ['reserved characters', '&=?#/+%;,:@!$\'()*'], ['quotes and brackets', '"<>{}[]|\\^`'],
	['a percent escape as text', '%41%zz'], ['a URL', 'https://x.example/?code=evil&state=2'], ['one character', '0'],
	['every printable character', Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('')],
], async (state) => {
	for (const answer of [await lk.authorize(lk.web, { state }), await lk.ask(lk.web, { state, scope: 'moon:landing' })]) {
		assert.equal(answer.got_state, state, String(answer));
		const raw = /[?&]state=([^&]*)/.exec(answer.get('location'))[1];
		assert.equal(decode(raw), state);
		assert.match(raw, /^[A-Za-z0-9._~*%+-]*$/, 'not form data');
		assert.ok(!raw.includes(' '));
	}
});

test('AR-02 no state asked, none answered', async () => {
	const answer = await lk.authorize(lk.web, { state: undefined });
	CODE(answer);
	assert.deepEqual(answer.sent.map(([n]) => n).sort(), ['code', 'iss']);
	const red = await lk.ask(lk.web, { state: undefined, scope: 'moon:landing' });
	assert.equal(red.got_state, undefined);
});

test('AR-03 iss equals the issuer of the metadata in success and in every error', async () => {
	const { issuer } = (await lk.get('/.well-known/oauth-authorization-server')).json;
	for (const answer of [
		await lk.authorize(lk.web),
		await lk.authorize(lk.web, { prompt: 'consent' }, { decision: 'deny' }),
		await lk.ask(lk.web, { response_type: 'token' }),
		await lk.ask(lk.web, { prompt: 'none' }),
		await lk.authorize(lk.web, { response_mode: 'form_post' }),
	])
		assert.equal(answer.got_iss, issuer, String(answer));
});

test('AR-05 codes are random, URL-safe, and readable to nobody', async () => {
	const codes = [];
	for (let i = 0; i < 8; i++)
		codes.push((await lk.authorize(lk.web)).code);
	assert.equal(new Set(codes).size, codes.length);
	for (const code of codes)
		assert.match(code, /^lk_ac_[A-Za-z0-9._~-]{22,}$/);
	const bits = codes.map((c) => Buffer.from(c.slice(6), 'base64url'));
	for (const text of [lk.web.client_id, 'app.example', 'ana', 'export-jobs'])
		assert.ok(bits.every((b) => !b.includes(text)));
	// 128 bits that differ from any other code's
	for (let i = 1; i < bits.length; i++) {
		const differing = bits[i].filter((byte, at) => byte !== bits[0][at]).length;
		assert.ok(differing >= 16, `only ${differing} bytes differ`);
	}
});

test('AR-05 T-05 neither code nor token is in the data directory', async () => {
	const answer = await lk.authorize(lk.web);
	const tokens = (await lk.exchange(lk.web, answer)).json;
	const raw = (t) => Buffer.from(t.slice(6), 'base64url');
	const secrets = [answer.code, tokens.access_token, tokens.refresh_token].flatMap((t) => [Buffer.from(t), raw(t), raw(t).subarray(1, 17)]);
	for (const name of fs.readdirSync(lk.data, { recursive: true })) {
		const file = path.join(lk.data, name);
		if (!fs.statSync(file).isFile())
			continue;
		const bytes = fs.readFileSync(file);
		for (const s of secrets)
			assert.ok(!bytes.includes(s), `${name} holds a token`);
	}
});

test('AR-05 the challenge cannot be had from the code, and a code is single use', async () => {
	const request = lk.request(lk.web);
	const answer = await lk.authorize(lk.web, {}, { request });
	const bits = Buffer.from(answer.code.slice(6), 'base64url');
	const challenge = Buffer.from(request.params.code_challenge, 'base64url');
	assert.ok(!bits.includes(challenge.subarray(0, 8)));
	OK(await lk.exchange(lk.web, answer));
	J400('invalid_grant')(await lk.exchange(lk.web, answer));
});

test('AR-07 a client disabled between request and approval gets a page', async () => {
	const client = await lk.client('Short Lived', { type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://short.example/cb' });
	await lk.eventually('the new client', async () => (await lk.ask(client)).status !== 400);
	const browser = await lk.as(lk.ana);
	const request = lk.request(client);
	const page = await browser.authorize(request, { user: lk.ana, stopAt: 'consent' });
	const consent = forms(page.text).find((f) => f.has('decision'));
	await lk.change('client', 'disable', client.client_id);
	await lk.eventually('the change', async () => (await lk.ask(client)).status === 400);
	const answer = await browser.submit(page, consent, {}, ['decision', 'approve']);
	answer.request = request;
	PAGE(400)(answer);
});

test('AR-07 a redirect URI de-registered between request and approval gets a page', async () => {
	const uris = ['https://gone.example/a', 'https://gone.example/b'];
	const client = await lk.client('Moved', { type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': uris });
	await lk.eventually('the new client', async () => (await lk.ask(client)).status !== 400);
	const browser = await lk.as(lk.ana);
	const request = lk.request(client, { redirect_uri: uris[0] });
	const page = await browser.authorize(request, { user: lk.ana, stopAt: 'consent' });
	await lk.change('client', 'edit', client.client_id, '--redirect-uri', uris[1]);
	await lk.eventually('the change', async () => (await lk.ask(client, { redirect_uri: uris[0] })).status === 400);
	const consent = forms(page.text).find((f) => f.has('decision'));
	const button = consent.buttons.find((b) => b.value === 'approve');
	const answer = await browser.post(lk.local(consent.action, page.asked.target), fill(consent, {}, button));
	answer.request = request;
	PAGE(400)(answer);
});

test('AR-08 H-17 the description is plain ASCII, form-encoded, and echoes nothing', async () => {
	const mark = random(9);
	const answer = await lk.ask(lk.web, { scope: mark });
	RED('invalid_scope')(answer);
	const raw = /[?&]error_description=([^&]*)/.exec(answer.get('location'))?.[1];
	assert.ok(raw, answer.get('location'));
	assert.match(raw, /^[A-Za-z0-9._~*%+-]+$/);
	assert.match(decode(raw), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
	assert.ok(!decode(raw).includes(mark));
});

close(lk);
