// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 3: who is calling, at every direct endpoint.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { close, startCast, table } from '../lib/cast.mjs';
import { address, basic, encode, form } from '../lib/latchkey.mjs';
import { J400, J401, OK, TOKENS, noChange } from '../lib/outcome.mjs';
import { worked } from '../lib/pace.mjs';

const lk = await startCast({
	prepare: async (made) => {
		made.gone = await made.client('Gone', { type: 'confidential', grant: 'client_credentials', scope: 'export-jobs:read', 'default-scope': 'export-jobs:read' });
		await made.change('client', 'disable', made.gone.client_id);
	},
});

const { client_id: id, client_secret: secret } = lk.machine;
const other = lk.web2;
const PATHS = ['/oauth/token', '/oauth/revoke', '/oauth/introspect'];
const body = { grant_type: 'client_credentials', token: 'x' };
const b64 = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
const good = basic(id, secret);

// Every failure from an address of its own: C-16 is tested at the end.
const attempt = (target, params, authorization) => lk.post(target, params,
	[authorization ?? []].flat().map((v) => ['Authorization', v]), { from: address() });

const EVERYWHERE = [
	['C-01 no identification at all', body, undefined, J400('invalid_client')],
	['C-02 header and body secret, both right', { ...body, client_id: id, client_secret: secret }, good, J400('invalid_request')],
	['C-02 header and a body secret alone', { ...body, client_secret: secret }, good, J400('invalid_request')],
	['C-02 header and assertion', { ...body, client_assertion: 'a.b.c', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }, good, J400('invalid_request')],
	['C-02 body secret and assertion', { ...body, client_id: id, client_secret: secret, client_assertion: 'a.b.c', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }, undefined, J400('invalid_request')],
	['C-03 two Authorization fields', body, [good, good], J400('invalid_request')],
	['C-04 bad base64', body, 'Basic !!!!', J401('invalid_client')],
	['C-04 nothing after the scheme', body, 'Basic', J401('invalid_client')],
	['C-04 no colon', body, b64(id), J401('invalid_client')],
	['C-04 a bad escape in the id', body, b64(`%zz:${secret}`), J401('invalid_client')],
	['C-04 a bad escape in the secret', body, b64(`${id}:${secret}%`), J401('invalid_client')],
	['C-04 trailing bytes after the base64', body, `${good}!`, J401('invalid_client')],
	['C-04 base64url in place of base64', body, `Basic ${Buffer.from(`${id}:\xff\xfe?>`).toString('base64url')}`, J401('invalid_client')],
	['C-04 NUL within', body, b64(`${id}\0:${secret}`), J401('invalid_client')],
	['C-06 unknown client', body, basic('lkc_nobody', secret), J401('invalid_client')],
	['C-06 wrong secret', body, basic(id, `${secret}x`), J401('invalid_client')],
	['C-06 a secret cut short', body, basic(id, secret.slice(0, -1)), J401('invalid_client')],
	['C-06 an empty secret', body, basic(id, ''), J401('invalid_client')],
	['C-06 an empty id', body, basic('', secret), J401('invalid_client')],
	['C-06 the secret of another client', body, basic(id, other.client_secret), J401('invalid_client')],
	['C-06 disabled client', body, basic(lk.gone.client_id, lk.gone.client_secret), J401('invalid_client')],
	['C-06 unknown client_id alone', { ...body, client_id: 'lkc_nobody' }, undefined, J400('invalid_client')],
	['C-06 an assertion from a client registered for Basic', { ...body, client_id: id, client_assertion: 'a.b.c', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }, undefined, J400('invalid_client')],
	['C-07 Bearer', body, 'Bearer abc', J401('invalid_client')],
	['C-07 Digest', body, 'Digest username="x"', J401('invalid_client')],
	['C-07 no scheme', body, Buffer.from(`${id}:${secret}`).toString('base64'), J401('invalid_client')],
	['C-09 a public client with Basic', body, basic(lk.spa.client_id, 'guess'), J401('invalid_client')],
	['C-09 a public client with an empty password', body, basic(lk.spa.client_id, ''), J401('invalid_client')],
	['C-09 a public client with a body secret', { ...body, client_id: lk.spa.client_id, client_secret: 'guess' }, undefined, J400('invalid_client')],
	['C-10 a confidential client with its client_id alone', { ...body, client_id: id }, undefined, J400('invalid_client')],
	['C-11 another client_id in the body', { ...body, client_id: other.client_id }, good, J400('invalid_request')],
	['C-12 an assertion without its type', { ...body, client_id: id, client_assertion: 'a.b.c' }, undefined, J400('invalid_request')],
	['C-12 a type without its assertion', { ...body, client_id: id, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }, undefined, J400('invalid_request')],
	['C-12 an unknown type', { ...body, client_id: id, client_assertion: 'a.b.c', client_assertion_type: 'urn:x' }, undefined, J400('invalid_client')],
];

for (const [what, params, authorization, expected] of EVERYWHERE)
	test(what, async () => {
		for (const target of PATHS)
			expected(await attempt(target, params, authorization));
	});

for (const [what, params] of [
	['client_id and client_secret', { client_id: id, client_secret: secret }],
	['client_secret alone', { client_secret: secret }],
	['of an unknown client', { client_id: 'lkc_nobody', client_secret: secret }],
])
	test(`C-08 a body secret: ${what}`, async () => {
		for (const target of PATHS) {
			const answer = await attempt(target, { ...body, ...params });
			J400('invalid_client')(answer);
			assert.match(answer.json.error_description, /client_secret_basic|HTTP Basic/);
		}
		await noChange(() => lk.token(lk.machine, { grant_type: 'client_credentials' }));
	});

test('C-09 the description tells a public client what to do', async () => {
	const answer = await attempt('/oauth/token', { ...body, client_id: lk.spa.client_id, client_secret: 'guess' });
	J400('invalid_client')(answer);
	assert.match(answer.json.error_description, /public client/);
	assert.match(answer.json.error_description, /client_id/);
});

test('C-04 each half is form-decoded', async () => {
	const escaped = (text) => [...text].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
	TOKENS(await lk.post('/oauth/token', body, [['Authorization', b64(`${escaped(id)}:${escaped(secret)}`)]]));
});

test('A3 C-04 Basic with encoding, as computed in the rulebook', () => {
	assert.equal(basic('a:b%c', 'p+q r'), 'Basic YSUzQWIlMjVjOnAlMkJxK3I=');
	assert.equal(encode(' %&+\u00a3\u20ac'), '+%25%26%2B%C2%A3%E2%82%AC');
});

test('C-04 the split is at the first colon of the decoded octets', async () => {
	// A colon within the secret does not move the split, so this is a wrong secret
	// of a known client, not an unknown client.
	J401('invalid_client')(await attempt('/oauth/token', body, b64(`${id}:${secret}:x`)));
	J401('invalid_client')(await attempt('/oauth/token', body, b64(`${id}%3A${secret}`)));
});

test('C-05 what the server makes needs no encoding and is long enough', async () => {
	for (const client of [lk.web, lk.machine, lk.api, lk.spa])
		assert.match(client.client_id, /^[A-Za-z0-9._~-]+$/);
	for (const client of [lk.web, lk.web2, lk.machine, lk.api]) {
		assert.match(client.client_secret, /^[A-Za-z0-9._~-]{43,}$/);
		assert.equal(basic(client.client_id, client.client_secret), b64(`${client.client_id}:${client.client_secret}`));
	}
	assert.equal(lk.spa.client_secret, undefined);
	assert.notEqual(lk.web.client_secret, lk.web2.client_secret);
});

test('C-05 a secret is shown once and stored only as a digest', async () => {
	const shown = await lk.command('client', 'show', id, '--json');
	assert.equal(shown.status, 0, shown.stderr);
	assert.ok(!shown.stdout.includes(secret));
	assert.equal(JSON.parse(shown.stdout).client_secret, undefined);
	const files = fs.readdirSync(lk.data, { recursive: true }).map((f) => path.join(lk.data, f))
		.filter((f) => fs.statSync(f).isFile());
	assert.ok(files.length > 2);
	for (const file of files)
		assert.ok(!fs.readFileSync(file).includes(secret), file);
});

test('C-06 unknown, wrong, disabled: one answer', async () => {
	const answers = await Promise.all([
		basic('lkc_nobody', secret), basic(id, 'wrong'), basic(lk.gone.client_id, lk.gone.client_secret),
	].map((header) => attempt('/oauth/token', body, header)));
	for (const answer of answers) {
		J401('invalid_client')(answer);
		assert.equal(answer.text, answers[0].text);
	}
});

test('C-06 one class of time for unknown and wrong', async () => {
	const times = { unknown: [], wrong: [] };
	for (let i = 0; i < 30; i++)
		for (const [kind, header] of [['unknown', basic('lkc_nobody', secret)], ['wrong', basic(other.client_id, 'wrong')]]) {
			const from = address();
			const c = await lk.pool.take(from);
			lk.pool.give(from, c);
			const before = worked(lk.child);
			await lk.post('/oauth/token', body, [['Authorization', header]], { from });
			times[kind].push(worked(lk.child) - before);
		}
	const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
	const [unknown, wrong] = [median(times.unknown), median(times.wrong)];
	assert.ok(Math.abs(unknown - wrong) < 1, `medians ${unknown} and ${wrong} ms of a processor`);
});

test('C-11 the same client_id in the body is accepted', async () => {
	TOKENS(await lk.token(lk.machine, { ...body, client_id: id }));
	OK(await lk.postAs(lk.web, '/oauth/revoke', { token: 'x', client_id: lk.web.client_id }));
	OK(await lk.postAs(lk.api, '/oauth/introspect', { token: 'x', client_id: lk.api.client_id }));
});

test('C-17 not registered for the grant', async () => {
	J400('unauthorized_client')(await lk.token(lk.web, { grant_type: 'client_credentials' }));
	J400('unauthorized_client')(await lk.token(lk.machine, { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://x.example/' }));
	J400('unauthorized_client')(await lk.token(lk.api, { grant_type: 'client_credentials' }));
	J400('unauthorized_client')(await lk.revoke(lk.api, 'x'));
});

test('C-16 H-14 repeated failures are slowed down, and no outsider can lock a client out', async () => {
	const from = address();
	const wrong = () => lk.post('/oauth/token', form(body), [['Authorization', basic(lk.machine.client_id, 'wrong')]], { from });
	let limited;
	for (let i = 0; i < 300 && !limited; i++) {
		const answer = await wrong();
		if (answer.status === 429)
			limited = answer;
		else
			J401('invalid_client')(answer);
	}
	assert.ok(limited, '300 wrong secrets in a row, never a 429');
	assert.match(limited.get('retry-after') ?? '', /^[1-9]\d*$/);
	assert.ok(Number(limited.get('retry-after')) <= 3600);
	// The rightful client, from where it lives, is served meanwhile.
	TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' }, { from: address() }));
});

test('H-14 a limited request consumes nothing', async () => {
	const from = address();
	const granted = await lk.authorize(lk.web);
	let status;
	for (let i = 0; i < 300 && status !== 429; i++)
		({ status } = await lk.post('/oauth/token', form(body), [['Authorization', basic(lk.web.client_id, 'wrong')]], { from }));
	assert.equal(status, 429);
	const limited = await lk.exchange(lk.web, granted, {}, { from });
	if (limited.status !== 200) {
		assert.equal(limited.status, 429, String(limited));
		await noChange(() => lk.exchange(lk.web, granted, {}, { from: address() }));
	}
});

close(lk);
