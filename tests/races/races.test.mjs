// SPDX-License-Identifier: Apache-2.0
//
// What simultaneity may not break (RULEBOOK appendix A5, invariants 1 and 4).
// Sixty-four TLS connections at a time, over several workers.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { close, startCast, withPhone } from '../lib/cast.mjs';
import { forms, random } from '../lib/latchkey.mjs';
import {
	alive, dead, introspectBytes, open, redeemBytes, refreshBytes, revokeBytes, sort, times, volley,
} from './volley.mjs';

const CROWD = 64;
const ROUNDS = 5;

const lk = await startCast({ serve: ['--workers', '4'], prepare: withPhone });

for (const [kind, client] of [['confidential', lk.web], ['public', lk.phone]]) {
	test(`TC-11 ${CROWD} redemptions of one code, ${kind} client: one wins, nothing lives`, async () => {
		for (let i = 0; i < ROUNDS; i++) {
			const granted = await lk.authorize(client);
			const { won } = sort(await volley(lk, times(CROWD, redeemBytes(lk, client, granted))));
			assert.equal(won.length, 1);
			await dead(lk, client, won[0]);
		}
	});

	test(`TC-13 ${CROWD} redemptions with one retry key, ${kind} client: all get the same`, async () => {
		const granted = await lk.authorize(client);
		const { won } = sort(await volley(lk, times(CROWD, redeemBytes(lk, client, granted, random()))));
		same(won, CROWD);
		await alive(lk, client, won[0]);
	});

	test(`TR-14 ${CROWD} refreshes without a key, ${kind} client: one wins, nothing lives`, async () => {
		for (let i = 0; i < ROUNDS; i++) {
			const first = await lk.grant(client);
			const { won } = sort(await volley(lk,
				times(CROWD, refreshBytes(lk, client, first.refresh_token))));
			assert.equal(won.length, 1);
			await dead(lk, client, won[0]);
			assert.equal(await lk.active(first.access_token), false);
		}
	});

	test(`TR-14 ${CROWD} refreshes with one retry key, ${kind} client: all get the same`, async () => {
		let tokens = await lk.grant(client);
		for (let i = 0; i < ROUNDS; i++) {
			const { won } = sort(await volley(lk,
				times(CROWD, refreshBytes(lk, client, tokens.refresh_token, random()))));
			same(won, CROWD);
			assert.notEqual(won[0].refresh_token, tokens.refresh_token);
			assert.equal(await lk.active(tokens.access_token), false);
			[tokens] = won;
		}
		await alive(lk, client, tokens);
	});
}

function same(won, n) {
	assert.equal(won.length, n);
	for (const member of ['access_token', 'refresh_token', 'scope'])
		assert.equal(new Set(won.map((t) => t[member])).size, 1, `one ${member} for all`);
}

test(`TR-14 ${CROWD} refreshes with a key each: one wins, nothing lives`, async () => {
	for (let i = 0; i < ROUNDS; i++) {
		const first = await lk.grant(lk.web);
		const { won } = sort(await volley(lk, Array.from({ length: CROWD }, () =>
			refreshBytes(lk, lk.web, first.refresh_token, random()))));
		assert.equal(won.length, 1);
		await dead(lk, lk.web, won[0]);
	}
});

test('TC-10 a code replayed while its refresh token is used: nothing lives', async () => {
	for (let i = 0; i < 4 * ROUNDS; i++) {
		const first = await lk.grant(lk.web);
		const answers = await volley(lk, [
			refreshBytes(lk, lk.web, first.refresh_token),
			redeemBytes(lk, lk.web, first.authorized),
		]);
		const { won, refused } = sort(answers);
		assert.ok(refused.includes(answers[1]), 'the replay is refused');
		await dead(lk, lk.web, won[0] ?? first);
	}
});

test('RV-04 refresh against revocation of the refresh token: nothing lives', async () => {
	for (let i = 0; i < 4 * ROUNDS; i++) {
		const first = await lk.grant(lk.web);
		const [refreshed, revoked] = await volley(lk, [
			refreshBytes(lk, lk.web, first.refresh_token),
			revokeBytes(lk, lk.web, first.refresh_token),
		]);
		assert.equal(revoked.status, 200);
		const { won } = sort([refreshed]);
		await dead(lk, lk.web, won[0] ?? first);
	}
});

test('RV-05 refresh against revocation of the access token: the authorisation lives', async () => {
	for (let i = 0; i < 4 * ROUNDS; i++) {
		const first = await lk.grant(lk.web);
		const [refreshed, revoked] = await volley(lk, [
			refreshBytes(lk, lk.web, first.refresh_token),
			revokeBytes(lk, lk.web, first.access_token),
		]);
		assert.equal(revoked.status, 200);
		assert.equal(refreshed.status, 200, `${refreshed}`);
		assert.equal(await lk.active(first.access_token), false);
		await alive(lk, lk.web, refreshed.json);
	}
});

test('IN-06 introspection during refreshes: never two active, never none', async () => {
	const watchers = await open(lk, 8);
	const ask = async (c, token) => {
		c.send(introspectBytes(lk, token));
		return (await c.read({ method: 'POST', target: '/oauth/introspect' })).json.active;
	};
	let tokens = await lk.grant(lk.web);
	for (let i = 0; i < 100; i++) {
		const asked = Promise.all(watchers.slice(0, 4).map((c) => ask(c, tokens.access_token)));
		const answer = await lk.refresh(lk.web, tokens.refresh_token);
		assert.equal(answer.status, 200, `${answer}`);
		// From here on every worker must know: the reply has been read.
		const later = await Promise.all(watchers.slice(4).flatMap((c, k) => (k % 2 === 0
			? [ask(c, tokens.access_token)] : [ask(c, answer.json.access_token)])));
		assert.deepEqual(later, [false, true, false, true], `after refresh ${i}`);
		await asked; // before or after: either is right
		tokens = answer.json;
	}
	for (const c of watchers)
		c.close();
});

test('U-11 consent sent twice at one moment: at most one code', async () => {
	for (let i = 0; i < ROUNDS; i++) {
		const browser = lk.browser();
		await browser.signIn(lk.ben);
		// A native client is never remembered (U-09): there is a consent page each time.
		const page = await browser.authorize(
			lk.request(lk.native, { redirect_uri: 'http://127.0.0.1:49152/cb' }),
			{ user: lk.ben, stopAt: 'consent' });
		const consent = forms(page.text).find((f) => f.has('decision'));
		assert.ok(consent, `a consent page: ${page}`);
		const answers = await Promise.all(times(8, 0).map(() =>
			browser.submit(page, consent, {}, ['decision', 'approve'])));
		const codes = answers.map((a) => a.get('location') ?? '').filter((to) => /[?&]code=/.test(to));
		assert.equal(new Set(codes).size, 1, answers.map(String).join('\n\n'));
		assert.equal(codes.length, 1, 'the others see a neutral page');
		for (const a of answers.filter((x) => x.get('location') === undefined))
			assert.ok(a.isHtml && a.status < 500, `${a}`);
	}
});

close(lk);
