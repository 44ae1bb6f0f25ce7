// SPDX-License-Identifier: Apache-2.0
//
// Many requests at one moment, each on a TLS connection of its own that stands
// ready before the first byte of any is sent.

import assert from 'node:assert/strict';

import { address, basic, form, requestBytes } from '../lib/latchkey.mjs';

// A form post as that client, as bytes.
export function post(lk, client, target, params, headers = []) {
	const who = client.client_secret
		? [['Authorization', basic(client.client_id, client.client_secret)]]
		: [];
	return requestBytes({
		host: lk.host,
		method: 'POST',
		target,
		headers: [['Content-Type', 'application/x-www-form-urlencoded'], ...who, ...headers],
		body: form(client.client_secret ? params : { client_id: client.client_id, ...params }),
	});
}

export const refreshBytes = (lk, client, token, key) => post(lk, client, '/oauth/token',
	{ grant_type: 'refresh_token', refresh_token: token }, key ? [['Idempotency-Key', key]] : []);

export const redeemBytes = (lk, client, granted, key) => post(lk, client, '/oauth/token', {
	grant_type: 'authorization_code',
	code: granted.code,
	redirect_uri: granted.request.params.redirect_uri,
	code_verifier: granted.verifier,
}, key ? [['Idempotency-Key', key]] : []);

export const revokeBytes = (lk, client, token) => post(lk, client, '/oauth/revoke', { token });
export const introspectBytes = (lk, token) => post(lk, lk.api, '/oauth/introspect', { token });

// Connections from several addresses: limits by address are not the subject.
export async function open(lk, n) {
	const homes = Array.from({ length: Math.ceil(n / 8) }, address);
	return Promise.all(Array.from({ length: n }, (_, i) =>
		lk.connect({ from: homes[i % homes.length] })));
}

// Sends requests[i] on a connection of its own, all at once; their answers in order.
export async function volley(lk, requests) {
	const connections = await open(lk, requests.length);
	try {
		for (const [i, c] of connections.entries())
			c.send(requests[i]);
		return await Promise.all(connections.map(async (c) => {
			const answer = await c.read({ method: 'POST', target: '/oauth/token' });
			assert.ok(answer, 'closed without an answer');
			for (const member of ['access_token', 'refresh_token'])
				if (answer.status === 200 && answer.body.length > 0)
					lk.secret(answer.json[member]);
			return answer;
		}));
	} finally {
		for (const c of connections)
			c.close();
	}
}

export const times = (n, thing) => Array.from({ length: n }, () => thing);

// Splits answers into the winners' tokens and the refused; any other is a defect.
export function sort(answers) {
	const won = answers.filter((a) => a.status === 200).map((a) => a.json);
	const refused = answers.filter((a) => a.status === 400 && a.json.error === 'invalid_grant');
	const odd = answers.find((a) => a.status !== 200 && !refused.includes(a));
	assert.equal(odd, undefined, `neither tokens nor invalid_grant: ${odd}`);
	return { won, refused };
}

export async function dead(lk, client, tokens) {
	assert.equal(await lk.active(tokens.access_token), false, 'the access token is dead');
	const answer = await lk.refresh(client, tokens.refresh_token);
	assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_grant'],
		'the refresh token is dead');
}

export async function alive(lk, client, tokens) {
	assert.equal(await lk.active(tokens.access_token), true, 'the access token lives');
	const answer = await lk.refresh(client, tokens.refresh_token);
	assert.equal(answer.status, 200, `the refresh token works: ${answer}`);
	return answer.json;
}
