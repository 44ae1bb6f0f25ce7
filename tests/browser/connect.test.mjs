// SPDX-License-Identifier: Apache-2.0
//
// A person connects an app: sign-in, consent, and what goes wrong on the way.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { atPartner, DESKTOP, NARROW, PHONE } from '../lib/chrome.mjs';
import { connect, ENTITY, stage } from './stage.mjs';

const lk = await stage();
const { chrome, partner } = lk;
const heading = (page) => page.locator('h1').innerText();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

for (const how of [{ size: DESKTOP }, { size: DESKTOP, dark: true }, { size: PHONE }, { size: PHONE, dark: true }, { size: NARROW }])
	test(`sign-in and consent at ${how.size.width} px${how.dark ? ' in the dark' : ''} (U-08, R5.2)`, () =>
		chrome.as(how, async (person) => {
			const asked = connect(lk, lk.web, { prompt: 'consent' });
			const page = await person.open(asked.url);
			assert.equal(await heading(page), 'Sign in');
			assert.match(await page.locator('main').innerText(), /Ledger Sync never sees it/);
			await person.look_at(page, 'sign-in');
			await person.judge(page, 'sign-in');
			await person.signIn(page, lk.nadia);
			assert.match(await heading(page), /^Connect Ledger Sync to .+\?$/);
			const said = await page.locator('main').innerText();
			for (const sentence of ['Nadia Petrova', 'See your export jobs and their results', 'export-jobs:read',
				'Your answer goes to', 'localhost', 'it never sees your password', 'press Disconnect'])
				assert.ok(said.includes(sentence), `says: ${sentence}\n${said}`);
			await person.look_at(page, 'consent');
			await person.judge(page, 'consent');
			await page.getByLabel('Northwind France SARL').check();
			await press(page, 'Approve');
			await atPartner(page, partner);
			const sent = partner.last();
			assert.equal(sent.state, asked.state);
			assert.equal(sent.iss, lk.issuer);
			const tokens = await lk.exchange(lk.web, { code: sent.code, request: asked, verifier: asked.verifier });
			assert.equal(tokens.status, 200);
			assert.equal((await lk.introspect(tokens.json.access_token)).json.subject, ENTITY);
		}));

test('denying sends access_denied and nothing else (A-31)', () => chrome.as({}, async (person) => {
	const asked = connect(lk, lk.web, { prompt: 'consent' });
	const page = await person.open(asked.url);
	await person.signIn(page, lk.nadia);
	await press(page, 'Deny');
	await atPartner(page, partner);
	assert.equal(partner.last().error, 'access_denied');
	assert.equal(partner.last().state, asked.state);
	assert.equal(partner.last().code, undefined);
}));

test('Deny weighs as much as Approve (U-08)', () => chrome.as({ size: PHONE }, async (person) => {
	const page = await person.open(connect(lk, lk.long).url);
	await person.signIn(page, lk.nadia);
	const boxes = await Promise.all(['Deny', 'Approve'].map((name) =>
		page.getByRole('button', { name, exact: true }).evaluate((e) => {
			const { width, height, top } = e.getBoundingClientRect();
			const { fontSize, fontWeight } = getComputedStyle(e);
			return { width, height, top, fontSize, fontWeight };
		})));
	assert.deepEqual(boxes[0], boxes[1]);
	await person.look_at(page, 'consent-long-name');
}));

test('a wrong password is one message, tied to the fields; then the right one passes (U-12)', () =>
	chrome.as({ size: PHONE }, async (person) => {
		const page = await person.open(connect(lk, lk.web, { prompt: 'consent' }).url);
		await person.signIn(page, { username: 'tom', password: 'not this one' });
		const message = await page.getByRole('alert').innerText();
		assert.match(message, /username and password do not match/);
		assert.equal(await page.getByLabel('Username').inputValue(), 'tom');
		assert.equal(await page.getByLabel('Password').inputValue(), '');
		assert.equal(await page.getByLabel('Password').getAttribute('aria-describedby'), 'problem');
		assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
		await person.look_at(page, 'sign-in-wrong');
		await person.judge(page, 'sign-in-wrong');
		await person.signIn(page, { username: 'nobody-here', password: 'not this one' });
		assert.equal(await page.getByRole('alert').innerText(), message);
		await person.signIn(page, lk.tom);
		assert.match(await heading(page), /^Connect Ledger Sync/);
		assert.equal(await page.getByRole('radio').count(), 0);
		assert.match(await page.locator('main').innerText(), /Act for\s+Northwind Traders GmbH/);
		await person.look_at(page, 'consent-one-context');
	}));

test('two tabs do not mix (U-10)', () => chrome.as({}, async (person) => {
	const [first, second] = [connect(lk, lk.web, { prompt: 'consent' }), connect(lk, lk.long)];
	const [one, two] = [await person.open(first.url), await person.open(second.url)];
	await person.signIn(one, lk.nadia);
	await person.signIn(two, lk.nadia);
	assert.match(await heading(one), /Ledger Sync/);
	assert.match(await heading(two), /Buchhaltungsverbindung/);
	/* Signing in again made a new session, so the first tab's form is of the old one. */
	await press(one, 'Approve');
	assert.match(await one.getByRole('alert').innerText(), /had run out/);
	for (const [page, asked] of [[two, second], [one, first]]) {
		await page.getByLabel('Northwind Traders GmbH').check();
		await press(page, 'Approve');
		await atPartner(page, partner);
		assert.equal(partner.last().state, asked.state);
	}
}));

test('back and approve again gives no second code (U-11)', () => chrome.as({}, async (person) => {
	const page = await person.open(connect(lk, lk.web, { prompt: 'consent' }).url);
	await person.signIn(page, lk.nadia);
	await page.getByLabel('Northwind Traders GmbH').check();
	await press(page, 'Approve');
	await atPartner(page, partner);
	const before = partner.received.length;
	await page.goBack();
	if (await page.getByRole('button', { name: 'Approve', exact: true }).count() > 0) {
		await page.getByLabel('Northwind Traders GmbH').check();
		await press(page, 'Approve');
	}
	await page.getByText('answered this already').waitFor();
	await person.look_at(page, 'answered-already');
	await person.judge(page, 'answered-already');
	assert.equal(partner.received.length, before);
}));

test('a double click gives one code (U-11)', () => chrome.as({}, async (person) => {
	const asked = connect(lk, lk.web, { prompt: 'consent' });
	const page = await person.open(asked.url);
	await person.signIn(page, lk.tom);
	await page.getByRole('button', { name: 'Approve', exact: true }).dblclick();
	/* The browser drops the first click's navigation or follows it: either is an end. */
	await page.getByRole('heading', { name: /^(Received|You have answered this already)$/ }).waitFor();
	const codes = partner.received.filter((r) => r.state === asked.state && r.code);
	assert.ok(codes.length <= 1, `${codes.length} codes`);
	assert.equal(codes.length === 1, await heading(page) === 'Received');
}));

test('the keyboard alone is enough, and one sees where one is', () => chrome.as({}, async (person) => {
	const asked = connect(lk, lk.web, { prompt: 'consent' });
	const page = await person.open(asked.url);
	const { keyboard } = page;
	const seen = () => page.evaluate(() => {
		const e = document.activeElement.closest('.choice') ?? document.activeElement;
		return getComputedStyle(e).outlineStyle !== 'none' && parseFloat(getComputedStyle(e).outlineWidth) >= 2;
	});
	assert.equal(await page.evaluate(() => document.activeElement.id), 'username');
	await keyboard.type(lk.nadia.username);
	await keyboard.press('Tab');
	assert.ok(await seen(), 'the password field');
	await keyboard.type(lk.nadia.password);
	await keyboard.press('Enter');
	await page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
	await keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.name), 'subject');
	assert.ok(await seen(), 'the choice');
	await keyboard.press('ArrowDown');
	await keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.value), 'deny');
	assert.ok(await seen(), 'Deny');
	await keyboard.press('Tab');
	assert.equal(await page.evaluate(() => document.activeElement.value), 'approve');
	assert.ok(await seen(), 'Approve');
	await person.look_at(page, 'consent-focus');
	await keyboard.press('Enter');
	await atPartner(page, partner);
	assert.equal(partner.last().state, asked.state);
	assert.ok(partner.last().code);
}));

test('Approve without a choice among several goes nowhere', () => chrome.as({}, async (person) => {
	const page = await person.open(connect(lk, lk.web, { prompt: 'consent' }).url);
	await person.signIn(page, lk.nadia);
	const before = partner.received.length;
	await page.evaluate(() => document.querySelectorAll('[name=subject]').forEach((e) => { e.checked = false; e.required = false; }));
	await press(page, 'Approve');
	assert.match(await page.getByRole('alert').innerText(), /Nothing is chosen yet/);
	assert.equal(partner.received.length, before);
	await person.look_at(page, 'consent-nothing-chosen');
	await person.judge(page, 'consent-nothing-chosen');
}));

test('form_post comes by POST, with script and without (U-13)', async () => {
	for (const script of [true, false])
		await chrome.as({ script }, async (person) => {
			const asked = connect(lk, lk.web, { response_mode: 'form_post', prompt: 'consent' });
			const page = await person.open(asked.url);
			await person.signIn(page, lk.tom);
			await press(page, 'Approve');
			if (!script) {
				assert.equal(await heading(page), 'Back to Ledger Sync');
				await person.look_at(page, 'form-post');
				await press(page, 'Continue to Ledger Sync');
			}
			await atPartner(page, partner);
			assert.equal(partner.last().method, 'POST');
			assert.equal(partner.last().state, asked.state);
			assert.equal(partner.last().iss, lk.issuer);
			assert.ok(partner.last().code);
		});
});

test('consent once given is not asked for again, unless the app says so', () => chrome.as({}, async (person) => {
	const asked = connect(lk, lk.web, { prompt: 'consent' });
	const page = await person.open(asked.url);
	await person.signIn(page, lk.tom);
	await press(page, 'Approve');
	await atPartner(page, partner);
	assert.equal((await lk.exchange(lk.web, { code: partner.last().code, request: asked, verifier: asked.verifier })).status, 200);
	const again = connect(lk);
	await page.goto(again.url);
	assert.equal(partner.last().state, again.state);
	assert.ok(partner.last().code);
	await page.goto(connect(lk, lk.web, { prompt: 'consent' }).url);
	assert.match(await heading(page), /^Connect /);
}));
