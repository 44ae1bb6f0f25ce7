// SPDX-License-Identifier: Apache-2.0
//
// The rulebook's outcome shorthand as assertions. Each returns a function that
// judges an answer, so that a table may carry it: [name, change, RED('...')].

import assert from 'node:assert/strict';

import { forms } from './form.mjs';

function show(answer, want) {
	return `wanted ${want}, got\n${answer}`;
}

// Own error page: no way leads from it to where the request wanted to go.
export function PAGE(status) {
	const want = `PAGE(${status})`;
	return (answer) => {
		assert.equal(answer.status, status, show(answer, want));
		assert.ok(answer.isHtml, show(answer, want));
		assert.equal(answer.get('location'), undefined, show(answer, want));
		assert.equal(answer.get('refresh'), undefined, show(answer, want));
		assert.doesNotMatch(answer.text, /http-equiv\s*=\s*["']?refresh/i, want);
		assert.doesNotMatch(answer.text, /<script/i, want);
		for (const f of forms(answer.text))
			assert.ok(f.action === undefined || f.action.startsWith('/'), `form to ${f.action}`);
		const uri = answer.request?.params.redirect_uri;
		if (typeof uri === 'string' && uri)
			for (const m of answer.text.matchAll(/(?:href|src|action)="([^"]*)"/g))
				assert.ok(!m[1].includes(uri), `a link built from ${uri}`);
	};
}

// Error response at the client's redirect URI. state: what is expected back
// (default: what was sent; null: none).
export function RED(error, { state, by = 'redirect' } = {}) {
	const want = `RED(${error})`;
	return (answer) => {
		const { redirect_uri: uri, state: sentState } = answer.request.params;
		const wantState = state === undefined ? (sentState || null) : state;
		if (by === 'form_post') {
			assert.equal(answer.status, 200, show(answer, want));
			assert.ok(answer.posted, show(answer, want));
		} else {
			assert.equal(answer.status, 303, show(answer, want));
			assert.ok(answer.get('location').startsWith(uri), show(answer, want));
		}
		const got = answer.sent;
		assert.deepEqual(got.filter(([n]) => n === 'error').map(([, v]) => v), [error], show(answer, want));
		assert.equal(got.filter(([n]) => n === 'code').length, 0, show(answer, want));
		assert.deepEqual(got.filter(([n]) => n === 'iss').length, 1, show(answer, want));
		assert.deepEqual(got.filter(([n]) => n === 'state').map(([, v]) => v),
			wantState === null ? [] : [wantState], show(answer, want));
	};
}

// A code at the client's redirect URI, or a page on the way to one.
export function CODE(answer) {
	const { redirect_uri: uri, state } = answer.request.params;
	if (answer.posted === undefined) {
		assert.equal(answer.status, 303, show(answer, 'a code'));
		assert.ok(answer.get('location').startsWith(uri), show(answer, 'a code'));
	}
	assert.match(answer.code ?? '', /^lk_ac_/, show(answer, 'a code'));
	assert.deepEqual(answer.sent.filter(([n]) => n === 'state').map(([, v]) => v),
		state ? [state] : [], show(answer, 'a code'));
}

function json(status, error, more = () => {}) {
	const want = `J${status}(${error})`;
	return (answer) => {
		assert.equal(answer.status, status, show(answer, want));
		assert.ok(answer.isJson, show(answer, want));
		const { error: e, error_description: why, ...rest } = answer.json;
		assert.equal(e, error, show(answer, want));
		assert.equal(typeof why, 'string', show(answer, want));
		delete rest.error_uri;
		assert.deepEqual(rest, {}, show(answer, want));
		assert.equal(answer.get('cache-control'), 'no-store', show(answer, want));
		assert.equal(answer.get('pragma'), 'no-cache', show(answer, want));
		more(answer);
	};
}

export const J400 = (error) => json(400, error, (answer) =>
	assert.equal(answer.get('www-authenticate'), undefined, show(answer, 'no challenge')));

export const J401 = (error) => json(401, error, (answer) =>
	assert.match(answer.get('www-authenticate') ?? '', /^Basic realm="[^"]+", charset="UTF-8"$/,
		show(answer, 'a Basic challenge')));

export const JSON_ERROR = json;

export function OK(answer) {
	assert.equal(answer.status, 200, show(answer, 'OK'));
	if (answer.body.length)
		assert.ok(answer.isJson, show(answer, 'OK'));
	assert.equal(answer.get('cache-control'), 'no-store', show(answer, 'OK'));
}

export function STATUS(status) {
	return (answer) => assert.equal(answer.status, status, show(answer, status));
}

// A token response in full (T-04).
export function TOKENS(answer) {
	OK(answer);
	const body = answer.json;
	assert.match(body.access_token, /^lk_at_[A-Za-z0-9._~-]{22,}$/);
	assert.equal(body.token_type.toLowerCase(), 'bearer');
	assert.ok(Number.isInteger(body.expires_in) && body.expires_in > 0);
	assert.equal(typeof body.scope, 'string');
	assert.ok(body.scope.length > 0);
	return body;
}

export const INACTIVE = (answer) => {
	OK(answer);
	assert.equal(answer.text.trim(), '{"active":false}');
};

// no-change: whatever was refused, the correct request still works.
export async function noChange(again) {
	OK(await again());
}
