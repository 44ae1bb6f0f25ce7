// SPDX-License-Identifier: Apache-2.0
//
// What happens as time passes: lifetimes and windows of sections 9 to 11. The
// server's own clock is moved (libfaketime), so nothing here waits.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast } from '../lib/cast.mjs';
import { forms, form } from '../lib/latchkey.mjs';
import { CODE, INACTIVE, J400, TOKENS } from '../lib/outcome.mjs';

const DAY = 86400;
const lk = await startCast({ time: true });
const keyed = (key) => ({ headers: [['Idempotency-Key', key]] });

// Sessions end as time goes on, so each authorisation signs in anew.
const authorize = (client = lk.web, change = {}) => lk.authorize(client, change, { browser: lk.browser() });
async function grant(client = lk.web) {
	const authorized = await authorize(client);
	CODE(authorized);
	return { ...TOKENS(await lk.exchange(client, authorized)), authorized };
}

test('TC-03 a code is good at 59 seconds and dead at 61', async () => {
	const good = await authorize();
	lk.advance(58);
	const first = TOKENS(await lk.exchange(lk.web, good));
	assert.equal(await lk.active(first.access_token), true);
	const late = await authorize();
	lk.advance(61);
	J400('invalid_grant')(await lk.exchange(lk.web, late));
	assert.equal(await lk.active(first.access_token), true); // revokes nothing
});

test('TC-12 a code replayed a month later still ends what it started', async () => {
	const started = await grant();
	let tokens = started;
	for (let i = 0; i < 3; i++) {
		lk.advance(10 * DAY);
		tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	}
	J400('invalid_grant')(await lk.exchange(lk.web, started.authorized));
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(lk.web, tokens.refresh_token));
});

test('TC-13 the retry key of a redemption is good for 60 seconds', async () => {
	const inTime = await authorize();
	const first = TOKENS(await lk.exchange(lk.web, inTime, {}, keyed('k')));
	lk.advance(55);
	const again = TOKENS(await lk.exchange(lk.web, inTime, {}, keyed('k')));
	assert.equal(again.refresh_token, first.refresh_token);
	lk.advance(10); // the window is not extended by a retry
	J400('invalid_grant')(await lk.exchange(lk.web, inTime, {}, keyed('k')));
	INACTIVE(await lk.introspect(first.access_token));
});

test('T-09 IN-03 an access token dies when it said it would', async () => {
	const tokens = await grant();
	lk.advance(tokens.expires_in - 5);
	assert.equal(await lk.active(tokens.access_token), true);
	lk.advance(6);
	INACTIVE(await lk.introspect(tokens.access_token));
	TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
});

test('T-09 a client\'s own token dies too', async () => {
	const { access_token, expires_in } = TOKENS(await lk.token(lk.machine, { grant_type: 'client_credentials' }));
	lk.advance(expires_in + 1);
	INACTIVE(await lk.introspect(access_token));
});

test('TR-06 R6.1 an idle refresh token dies after 60 days, and with it everything', async () => {
	let tokens = await grant();
	lk.advance(60 * DAY - 60);
	tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token)); // the idle limit restarts
	lk.advance(60 * DAY - 60);
	tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	lk.advance(60 * DAY + 1);
	J400('invalid_grant')(await lk.refresh(lk.web, tokens.refresh_token));
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(lk.web, tokens.refresh_token));
});

test('TR-11 the retry key is good for 24 hours, not longer, and not extended', async () => {
	const first = await grant();
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	lk.advance(20 * 3600);
	INACTIVE(await lk.introspect(second.access_token)); // ran out meanwhile
	const again = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	assert.equal(again.access_token, second.access_token); // new life, same string
	assert.equal(again.refresh_token, second.refresh_token);
	assert.ok(again.expires_in > 500);
	assert.equal(await lk.active(again.access_token), true);
	lk.advance(5 * 3600);
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	J400('invalid_grant')(await lk.refresh(lk.web, second.refresh_token));
});

test('TR-11 expires_in of a retry is what remains', async () => {
	const first = await grant();
	TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	lk.advance(100);
	const { expires_in } = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	assert.ok(expires_in <= 500 && expires_in > 480, String(expires_in));
});

test('TR-05 a replaced token is known as one for ever', async () => {
	const first = await grant();
	let tokens = first;
	for (let i = 0; i < 4; i++) {
		lk.advance(50 * DAY);
		tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	}
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token));
	INACTIVE(await lk.introspect(tokens.access_token));
});

test('A-29 max_age counts from the sign-in', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.ben);
	CODE(await lk.authorize(lk.web2, { max_age: '100' }, { browser, user: lk.ben }));
	lk.advance(101);
	const request = lk.request(lk.web2, { max_age: '100' });
	const page = await browser.walk(await browser.get(`/oauth/authorize?${form(request.params)}`), { user: lk.ben, stopAt: 'signin' });
	assert.ok(forms(page.text).some((f) => f.has('password')), String(page));
});

test('U-06 a session ends by itself', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.ben);
	assert.equal((await browser.get('/account')).status, 200);
	lk.advance(13 * 3600);
	const page = await browser.follow(await browser.get('/account'));
	assert.ok(forms(page.text).some((f) => f.has('password')), String(page));
});

test('U-10 a consent page that was left open too long is refused, nothing is issued', async () => {
	const browser = lk.browser();
	const request = lk.request(lk.web, { prompt: 'consent' });
	const page = await browser.authorize(request, { user: lk.ana, stopAt: 'consent' });
	const consent = forms(page.text).find((f) => f.has('decision'));
	lk.advance(2 * DAY);
	const answer = await browser.submit(page, consent, {}, ['decision', 'approve']);
	assert.ok(answer.get('location') === undefined || lk.isOwn(answer.get('location')), String(answer));
	assert.ok([303, 400, 403].includes(answer.status));
});

test('TR-10 TR-06 the absolute end stays that of the first token', async () => {
	await lk.stop();
	lk.configure({ grant_lifetime: '10d' });
	await lk.serve();
	let tokens = await grant();
	lk.advance(6 * DAY);
	tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	lk.advance(4 * DAY - 120);
	tokens = TOKENS(await lk.refresh(lk.web, tokens.refresh_token));
	assert.ok(tokens.expires_in <= 120, `T-09: ${tokens.expires_in} reaches beyond the end`);
	lk.advance(121);
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(lk.web, tokens.refresh_token));
});

test('TR-11 TR-18 a window of 0 switches the retry key off, and the metadata say so', async () => {
	await lk.stop();
	lk.configure({ retry_window: '0' });
	await lk.serve();
	const told = (await lk.get('/.well-known/oauth-authorization-server')).json;
	assert.notEqual(told.refresh_retry_key_supported, true);
	const first = await grant();
	const second = TOKENS(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token, {}, keyed('key')));
	INACTIVE(await lk.introspect(second.access_token));
});

close(lk);
