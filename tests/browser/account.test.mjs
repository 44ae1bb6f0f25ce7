// SPDX-License-Identifier: Apache-2.0
//
// What a person sees afterwards: connected apps, what was ended and why, and the
// pages that say that something does not work.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { atPartner, DESKTOP, PHONE } from '../lib/chrome.mjs';
import { connect, stage } from './stage.mjs';

const lk = await stage({ time: true });
const { chrome, partner } = lk;
const heading = (page) => page.locator('h1').innerText();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

// As a signed-in person: connects, and what the partner's server then holds.
async function connected(page, client, user) {
	const asked = connect(lk, client, { prompt: 'consent' });
	await page.goto(asked.url);
	if (await heading(page) === 'Sign in') {
		await page.getByLabel('Username').fill(user.username);
		await page.getByLabel('Password').fill(user.password);
		await press(page, 'Sign in');
	}
	if (await page.getByRole('radio').count() > 0)
		await page.getByLabel('Northwind Traders GmbH').check();
	await press(page, 'Approve');
	await atPartner(page, partner);
	const tokens = await lk.exchange(client, { code: partner.last().code, request: asked, verifier: asked.verifier });
	assert.equal(tokens.status, 200);
	return tokens.json;
}

for (const how of [{ size: DESKTOP }, { size: PHONE, dark: true }])
	test(`connected apps, and Disconnect takes effect at once, at ${how.size.width} px (R6.7)`, () =>
		chrome.as(how, async (person) => {
			const page = await person.tab();
			const tokens = await connected(page, lk.web, lk.nadia);
			await connected(page, lk.long, lk.nadia);
			assert.equal(await lk.active(tokens.access_token), true);
			await page.goto(`${lk.issuer}/account`);
			assert.equal(await heading(page), 'Connected apps');
			const app = page.getByRole('article').filter({ hasText: 'Ledger Sync' }).first();
			const said = await app.innerText();
			for (const sentence of ['Northwind Traders GmbH', 'See your export jobs and their results', 'Connected since', 'Last used'])
				assert.ok(said.includes(sentence), `says: ${sentence}\n${said}`);
			await person.look_at(page, 'account');
			await person.judge(page, 'account');
			await app.getByRole('button', { name: /^Disconnect/ }).click();
			await page.getByRole('status').waitFor();
			assert.match(await page.getByRole('status').innerText(), /Ledger Sync/);
			await person.look_at(page, 'account-disconnected');
			assert.equal(await lk.active(tokens.access_token), false);
			assert.equal((await lk.refresh(lk.web, tokens.refresh_token)).json.error, 'invalid_grant');
		}));

test('a key used twice is explained in plain words', () => chrome.as({}, async (person) => {
	const page = await person.tab();
	const tokens = await connected(page, lk.web, lk.tom);
	assert.equal((await lk.refresh(lk.web, tokens.refresh_token)).status, 200);
	assert.equal((await lk.refresh(lk.web, tokens.refresh_token)).json.error, 'invalid_grant');
	await page.goto(`${lk.issuer}/account`);
	const said = await page.locator('main').innerText();
	assert.match(said, /a used key was presented again/);
	assert.match(said, /all access was cut at once/);
	assert.match(said, /tell its vendor/);
	await person.look_at(page, 'account-replay');
	await person.judge(page, 'account-replay');
}));

test('signing in for the account page, signing out, and then it is closed', () => chrome.as({}, async (person) => {
	const page = await person.open('/account');
	assert.equal(await heading(page), 'Sign in');
	await person.look_at(page, 'sign-in-account');
	await person.signIn(page, lk.nadia);
	assert.equal(await heading(page), 'Connected apps');
	await press(page, 'Sign out');
	await page.goto(`${lk.issuer}/account`);
	assert.equal(await heading(page), 'Sign in');
	await page.goBack();
	assert.notEqual(await heading(page), 'Connected apps');
}));

test('a sign-in form that ran out loses nothing but time (U-04)', () => chrome.as({}, async (person) => {
	const page = await person.open('/account');
	await lk.advance(31 * 60);
	await person.signIn(page, lk.nadia);
	assert.match(await page.getByRole('alert').innerText(), /had run out/);
	await person.look_at(page, 'sign-in-expired');
	await person.judge(page, 'sign-in-expired');
	await person.signIn(page, lk.nadia);
	assert.equal(await heading(page), 'Connected apps');
}));

test('a consent page that ran out goes nowhere (U-10)', () => chrome.as({}, async (person) => {
	const page = await person.open(connect(lk, lk.web, { prompt: 'consent' }).url);
	await person.signIn(page, lk.tom);
	await lk.advance(31 * 60);
	const before = partner.received.length;
	await press(page, 'Approve');
	await page.waitForLoadState();
	assert.equal(partner.received.length, before);
	await person.look_at(page, 'consent-expired');
}));

const WRONG = [
	['a client that does not exist', { client_id: 'lkc_nobody' }],
	['a redirect URI that is not registered', { redirect_uri: 'https://evil.example/cb' }],
	['a redirect URI that is a script', { redirect_uri: 'javascript:alert(1)' }],
];
for (const [what, change] of WRONG)
	test(`${what}: a page for the person, then for the integrator (R5.5)`, () =>
		chrome.as({ size: PHONE }, async (person) => {
			const page = await person.open(connect(lk, lk.web, change).url);
			assert.ok(page.url().startsWith(lk.issuer));
			assert.match(await page.locator('main').innerText(), /error id: \S{6,}/);
			await page.getByText('For the developers of the app').click();
			await person.look_at(page, `error-${Object.keys(change)[0]}`);
			await person.judge(page, 'error');
			const links = await page.evaluate(() => [...document.querySelectorAll('a')].map((a) => a.href));
			assert.ok(links.every((href) => href.startsWith(lk.issuer)), links.join(' '));
		}));

test('a page that does not exist is a page all the same', () => chrome.as({}, async (person) => {
	const page = await person.open('/nothing-here');
	assert.ok((await heading(page)).length > 0);
	await person.look_at(page, 'not-found');
	await person.judge(page, 'not-found');
}));

test('too many wrong passwords: how long to wait is said (U-12)', () => chrome.as({}, async (person) => {
	const page = await person.open('/account');
	for (let i = 0; i < 30; i++) {
		await person.signIn(page, { username: 'mallory', password: `guess ${i}` });
		if (/Too many attempts/.test(await page.getByRole('alert').innerText()))
			break;
	}
	assert.match(await page.getByRole('alert').innerText(), /Too many attempts\.\s+Please try again in \d+ (second|minute)/);
	await person.look_at(page, 'sign-in-wait');
}));
