// SPDX-License-Identifier: Apache-2.0
//
// RULEBOOK section 6: what a person meets: sign-in, consent, connected apps,
// errors; and what a hostile page next to them cannot do.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ACME, BOLT, SCOPES, close, startCast, table } from '../lib/cast.mjs';
import { address, fill, forms, random, read, sleep } from '../lib/latchkey.mjs';
import { CODE, OK, PAGE, RED } from '../lib/outcome.mjs';
import { worked } from '../lib/pace.mjs';

const HOSTILE = 'Nice & <b>bold</b> "App"';
const lk = await startCast({
	prepare: async (made) => {
		made.hostile = await made.client(HOSTILE, {
			type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': 'https://nice.example/cb',
		});
		made.cleo = await made.user({ username: 'cleo', name: 'Cleo Example<i>', companies: [`${ACME}:Acme <u>GmbH</u>`] });
		made.dora = await made.user({ username: 'dora', name: 'Dora', companies: [`${ACME}:Acme GmbH`] });
		made.emil = await made.user({ username: 'emil', name: 'Emil', companies: [`${ACME}:Acme GmbH`] });
	},
});

const consentOf = (page) => forms(page.text).find((f) => f.has('decision'));
const signInOf = (page) => forms(page.text).find((f) => f.has('password'));

// A browser at the consent page of a request.
async function atConsent(client = lk.web, { user = lk.ana, change = { prompt: 'consent' }, browser } = {}) {
	browser ??= await lk.as(user);
	const request = lk.request(client, change);
	const page = await browser.authorize(request, { user, stopAt: 'consent' });
	assert.ok(consentOf(page), String(page));
	return { browser, request, page, form: consentOf(page) };
}

function pressed(at, decision = 'approve', change = {}) {
	const button = at.form.buttons.find((b) => b.name === 'decision' && b.value === decision);
	const pairs = fill(at.form, change, button);
	if (!pairs.some(([n]) => n === 'subject') && at.form.control('subject'))
		pairs.push(['subject', at.form.choices('subject')[0]]);
	return pairs;
}

const target = (at) => lk.local(at.form.action || '/consent', at.page.asked.target);

// ---- U-01, U-02, U-03: headers ------------------------------------------------------------

test('U-01 U-03 every kind of page carries the headers and links nowhere', async () => {
	const stranger = lk.browser();
	const pages = [
		await stranger.walk(await lk.ask(lk.web, {}, { browser: stranger }), { stopAt: 'signin' }),
		(await atConsent()).page,
		await (await lk.as(lk.ana)).get('/account'),
		await lk.ask(lk.web, { redirect_uri: 'https://evil.example/' }),
		await lk.authorize(lk.web, { response_mode: 'form_post' }),
		await stranger.get('/nowhere', [['Accept', 'text/html']]),
	];
	for (const page of pages.slice(0, 5))
		assert.ok(page.isHtml, String(page));
	assert.equal(pages[5].status, 404);
	// The ledger judged each of them: see U-01 and U-03 below.
});

for (const [what, client, uri, source] of [
	['https', 'web', 'https://app.example/cb', 'https://app.example'],
	['loopback', 'native', 'http://127.0.0.1:5000/cb', 'http://127.0.0.1:5000'],
	['a private-use scheme', 'native', 'com.example.pocket:/cb', 'com.example.pocket:'],
])
	test(`U-02 form-action of the consent page lists self and the redirect target: ${what}`, async () => {
		const { page } = await atConsent(lk[client], { change: { redirect_uri: uri, prompt: 'consent' } });
		const action = /form-action ([^;]*)/.exec(page.get('content-security-policy'))[1].trim().split(/\s+/);
		assert.deepEqual(action.sort(), ["'self'", source].sort());
	});

test('U-02 the sign-in page of a request lists the redirect target as well', async () => {
	const browser = lk.browser();
	const page = await browser.walk(await lk.ask(lk.web, {}, { browser }), { stopAt: 'signin' });
	const action = /form-action ([^;]*)/.exec(page.get('content-security-policy'))[1];
	assert.match(action, /'self'/);
	assert.match(action, /https:\/\/app\.example/);
});

// ---- U-04, U-05: forged submissions ----------------------------------------------------

test('U-04 consent without its one-time value', async (t) => {
	const forged = [
		['no hidden field at all', (pairs) => pairs.filter(([n]) => n === 'decision')],
		['a value cut short', (pairs) => pairs.map(([n, v]) => (v.length > 20 ? [n, v.slice(0, -2)] : [n, v]))],
		['a value with one bit changed', (pairs) => pairs.map(([n, v]) => (v.length > 20 ? [n, v.slice(0, 10) + (v[10] === 'A' ? 'B' : 'A') + v.slice(11)] : [n, v]))],
	];
	for (const [what, change] of forged)
		await t.test(what, async () => {
			const at = await atConsent();
			const answer = await at.browser.post(target(at), change(pressed(at)));
			assert.ok([400, 403].includes(answer.status), String(answer));
			assert.equal(answer.get('location'), undefined);
			CODE(await finish(at)); // nothing changed: the page itself still works
		});
});

async function finish(at, decision = 'approve') {
	const end = await at.browser.post(target(at), pressed(at, decision));
	const answer = read(end, at.request);
	lk.secret(answer.code);
	return answer;
}

test('U-04 a value of another browser session is worth nothing', async () => {
	const at = await atConsent(lk.web, { user: lk.ben });
	const answer = await (await lk.as(lk.ana)).post(target(at), pressed(at));
	assert.ok([400, 403].includes(answer.status), String(answer));
	assert.equal(answer.get('location'), undefined);
	const nobody = await lk.browser().post(target(at), pressed(at));
	assert.ok([400, 403].includes(nobody.status) || lk.isOwn(nobody.get('location') ?? 'x:'), String(nobody));
	CODE(await finish(at));
});

test('U-04 the value of one transaction does not fit another', async () => {
	const one = await atConsent(lk.web);
	const two = await atConsent(lk.web2, { change: { prompt: 'consent' } });
	const names = one.form.controls.filter((c) => c.type === 'hidden').map((c) => c.name);
	for (const name of names.filter(() => names.length > 1)) {
		const mixed = pressed(one).map(([n, v]) => (n === name ? [n, two.form.control(name).value] : [n, v]));
		const answer = await one.browser.post(target(one), mixed);
		assert.ok(answer.code === undefined && answer.get('location') === undefined, `${name}: ${answer}`);
	}
	CODE(await finish(one));
	CODE(await finish(two));
});

test('U-04 sign-in without its one-time value signs nobody in', async () => {
	const browser = lk.browser();
	const answer = await browser.post('/signin', { username: lk.ana.username, password: lk.ana.password });
	assert.ok([400, 403].includes(answer.status), String(answer));
	const page = await browser.follow(await browser.get('/account'));
	assert.ok(signInOf(page));
});

test('U-04 a sign-in form of another browser signs nobody in', async () => {
	const mine = lk.browser();
	const page = await mine.follow(await mine.get('/account'));
	const yours = lk.browser();
	await yours.follow(await yours.get('/account'));
	const answer = await yours.post(lk.local(signInOf(page).action), fill(signInOf(page), { username: lk.ana.username, password: lk.ana.password }));
	assert.ok([400, 403].includes(answer.status), String(answer));
	assert.ok(signInOf(await yours.follow(await yours.get('/account'))));
});

test('U-04 disconnecting and signing out without their value', async () => {
	await lk.grant(lk.web2, {}, { user: lk.ben });
	const browser = await lk.as(lk.ben);
	const page = await browser.get('/account');
	for (const f of forms(page.text)) {
		const answer = await browser.post(lk.local(f.action || '/account'), fill(f).filter(([, v]) => v.length < 20));
		assert.ok([400, 403].includes(answer.status), String(answer));
	}
	const after = await browser.get('/account');
	assert.equal(after.status, 200);
	assert.equal(forms(after.text).length, forms(page.text).length);
});

table('U-05 Origin', [
	['of a stranger', [['Origin', 'https://evil.example']]],
	['of http', [['Origin', `http://${lk.host}`]]],
	['on another port', [['Origin', 'https://localhost:1']]],
	['null from another site', [['Origin', 'null'], ['Sec-Fetch-Site', 'cross-site']]],
	['null from the same site', [['Origin', 'null'], ['Sec-Fetch-Site', 'same-site']]],
], async (headers) => {
	const at = await atConsent();
	const answer = await at.browser.post(target(at), pressed(at), headers);
	assert.equal(answer.status, 403, String(answer));
	assert.equal(answer.get('location'), undefined);
	CODE(await finish(at));
});

table('U-05 accepted:', [
	['own Origin', [['Origin', lk.issuer], ['Sec-Fetch-Site', 'same-origin']]],
	['null from our own page', [['Origin', 'null'], ['Sec-Fetch-Site', 'same-origin']]],
	['no Origin', []],
], async (headers) => {
	const at = await atConsent();
	const end = await at.browser.post(target(at), pressed(at), headers);
	assert.equal(end.status, 303, String(end));
	assert.match(end.get('location'), /code=/);
});

// ---- U-06: the session -------------------------------------------------------------------

const SESSION = '__Host-latchkey-session';

test('U-06 there is no session before sign-in, and a new one at every sign-in', async () => {
	const browser = lk.browser();
	await browser.follow(await browser.get('/account'));
	assert.equal(browser.cookies.get(SESSION), undefined);
	const stranger = new Map(browser.cookies);
	await browser.signIn(lk.ben);
	const first = browser.cookies.get(SESSION);
	assert.match(first, /^[A-Za-z0-9_-]{43}$/);
	const page = await browser.authorize(lk.request(lk.web, { prompt: 'login consent' }), { user: lk.ben, stopAt: 'consent' });
	assert.ok(consentOf(page), String(page));
	assert.notEqual(browser.cookies.get(SESSION), first);
	for (const cookies of [stranger, new Map([...browser.cookies, [SESSION, first]])]) {
		const old = lk.browser();
		old.cookies = cookies;
		assert.ok(signInOf(await old.follow(await old.get('/account'))));
	}
});

test('U-06 a session that somebody else chose is not taken over', async () => {
	const browser = lk.browser();
	const planted = 'A'.repeat(43);
	browser.cookies.set(SESSION, planted);
	await browser.signIn(lk.ana);
	assert.notEqual(browser.cookies.get(SESSION), planted);
	const attacker = lk.browser();
	attacker.cookies.set(SESSION, planted);
	assert.ok(signInOf(await attacker.follow(await attacker.get('/account'))));
});

test('U-06 signing out ends the session, on the server too', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.ana);
	const kept = new Map(browser.cookies);
	const page = await browser.get('/account');
	const out = forms(page.text).find((f) => f.action === '/signout') ?? forms(page.text).at(-1);
	const end = await browser.submit(page, out);
	assert.ok([200, 303].includes(end.status), String(end));
	const old = lk.browser();
	old.cookies = kept;
	assert.ok(signInOf(await old.follow(await old.get('/account'))));
	assert.ok(signInOf(await browser.follow(await browser.get('/account'))));
});

test('U-06 a cookie from elsewhere signs nobody in', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.ana);
	const forged = lk.browser();
	for (const [name, value] of browser.cookies)
		forged.cookies.set(name, value.slice(0, -1) + (value.endsWith('A') ? 'B' : 'A'));
	assert.ok(signInOf(await forged.follow(await forged.get('/account'))));
});

// ---- U-08: consent ---------------------------------------------------------------------------

test('U-08 consent says who, what, as whom and where to', async () => {
	const { page, form: f } = await atConsent();
	for (const text of ['Ledger Sync', SCOPES['export-jobs:read'], SCOPES['export-jobs:write'], 'Ana Example', 'Acme GmbH', 'Bolt AG', 'app.example'])
		assert.ok(page.text.includes(text), text);
	assert.ok(!page.text.includes(SCOPES['users:read']), 'a scope that was not asked for');
	assert.deepEqual(f.buttons.filter((b) => b.name === 'decision').map((b) => b.value).sort(), ['approve', 'deny']);
	assert.deepEqual(f.choices('subject').sort(), [ACME, BOLT].sort());
});

test('U-08 names are escaped, and direction marks never get in', async () => {
	const { page } = await atConsent(lk.hostile, { user: lk.cleo });
	assert.ok(page.text.includes('Nice &amp; &lt;b&gt;bold&lt;/b&gt;'), page.text);
	assert.ok(!/<b>bold|<u>GmbH|Example<i>/.test(page.text));
	for (const mark of ['\u202e', '\u2066', '\u0007', '\n']) {
		const client = await lk.command('client', 'add', '--name', `Nice${mark}App`, '--type', 'public', '--scope', 'export-jobs:read', '--redirect-uri', 'https://x.example/cb');
		assert.ok(client.status > 0, `a client's name with ${JSON.stringify(mark)}`);
		const user = await lk.command('user', 'add', '--username', 'marked', '--name', `Nice${mark}Name`, '--password-stdin', { input: `${random()}\n` });
		assert.ok(user.status > 0, `a person's name with ${JSON.stringify(mark)}`);
	}
});

test('U-08 the subject chosen is the subject granted, and only own ones are', async () => {
	for (const subject of [ACME, BOLT]) {
		const at = await atConsent();
		const answer = await (async () => {
					return read(await at.browser.post(target(at), pressed(at, 'approve', { subject })), at.request);
		})();
		CODE(answer);
		lk.secret(answer.code);
		const tokens = (await lk.exchange(lk.web, answer)).json;
		const told = (await lk.introspect(tokens.access_token)).json;
		assert.ok(Object.values(told).includes(subject), JSON.stringify(told));
	}
	const at = await atConsent(lk.web, { user: lk.ben });
	const answer = await at.browser.post(target(at),
		[...pressed(at).filter(([n]) => n !== 'subject'), ['subject', ACME]]);
	if (answer.status === 303) {
		// ben has one context: no choice is offered, none is heard.
			const tokens = (await lk.exchange(lk.web, read(answer, at.request))).json;
		assert.ok(!JSON.stringify((await lk.introspect(tokens.access_token)).json).includes(ACME));
	} else {
		assert.ok([400, 403].includes(answer.status), String(answer));
	}
});

// ---- U-09: skipping consent ---------------------------------------------------------------

test('U-09 consent is remembered for the same client and no more than before', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.dora);
	const how = { user: lk.dora, browser };
	const asks = async (client, change) => {
		const page = await browser.authorize(lk.request(client, change), { user: lk.dora, stopAt: 'consent' });
		return Boolean(page.isHtml && consentOf(page));
	};
	assert.ok(await asks(lk.web, { scope: 'export-jobs:read' }), 'the first time');
	await lk.grant(lk.web, { scope: 'export-jobs:read' }, how);
	assert.ok(!await asks(lk.web, { scope: 'export-jobs:read' }), 'the same again');
	assert.ok(await asks(lk.web, { scope: 'export-jobs:read export-jobs:write' }), 'more than before');
	assert.ok(await asks(lk.web2, { scope: 'export-jobs:read' }), 'another client');
	await lk.grant(lk.web, { scope: 'export-jobs:read export-jobs:write' }, how);
	assert.ok(!await asks(lk.web, { scope: 'export-jobs:write' }), 'a subset');
	RED('access_denied')(await lk.authorize(lk.web2, {}, { ...how, decision: 'deny' }));
	assert.ok(await asks(lk.web2), 'a denial is no consent');
});

table('U-09 never remembered:', [
	['loopback', 'native', 'http://127.0.0.1:5000/cb'],
	['a private-use scheme', 'native', 'com.example.pocket:/cb'],
	['development on localhost', 'dev', 'http://localhost:3000/cb'],
], async (client, redirect_uri) => {
	for (let i = 0; i < 2; i++) {
		const browser = await lk.as(lk.ana);
		const page = await browser.authorize(lk.request(lk[client], { redirect_uri }), { user: lk.ana, stopAt: 'consent' });
		assert.ok(page.isHtml && consentOf(page), String(page));
		await lk.grant(lk[client], { redirect_uri });
	}
});

test('U-09 consent ends with the connection: after Disconnect the page is back', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.emil);
	const tokens = await lk.grant(lk.web, {}, { user: lk.emil, browser });
	const page = await browser.get('/account');
	assert.ok(page.text.includes('Ledger Sync'));
	const disconnect = forms(page.text).find((f) => f.action !== '/signout');
	const done = await browser.follow(await browser.submit(page, disconnect));
	assert.equal(done.status, 200);
	assert.equal(await lk.active(tokens.access_token), false);
	assert.equal((await lk.refresh(lk.web, tokens.refresh_token)).json.error, 'invalid_grant');
	const again = await browser.authorize(lk.request(lk.web), { user: lk.emil, stopAt: 'consent' });
	assert.ok(again.isHtml && consentOf(again), String(again));
});

test('U-09 disconnecting takes back the consent of a younger connection that ran out', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.emil);
	const how = { user: lk.emil, browser };
	await lk.grant(lk.web2, {}, how);
	const younger = await lk.grant(lk.web2, {}, how);
	assert.equal((await lk.revoke(lk.web2, younger.refresh_token)).status, 200);
	const page = await browser.get('/account');
	const disconnect = forms(page.text).find((f) => f.action !== '/signout');
	await browser.submit(page, disconnect);
	const again = await browser.authorize(lk.request(lk.web2), { user: lk.emil, stopAt: 'consent' });
	assert.ok(again.isHtml && consentOf(again), String(again));
});

// ---- U-10, U-11: transactions -----------------------------------------------------------------

test('U-10 two tabs do not mix', async () => {
	const one = await atConsent(lk.web, { change: { prompt: 'consent', state: random(18) } });
	const two = await atConsent(lk.web2, { change: { prompt: 'consent', state: random(18) } });
	const second = await finish(two);
	const first = await finish(one);
	CODE(first);
	CODE(second);
	OK(await lk.exchange(lk.web, first));
	OK(await lk.exchange(lk.web2, second));
});

test('U-10 two tabs at sign-in do not mix', async () => {
	const browser = lk.browser();
	const requests = [lk.request(lk.web), lk.request(lk.web2)];
	const pages = [];
	for (const r of requests)
		pages.push(await browser.authorize(r, { stopAt: 'signin' }));
	for (const i of [1, 0]) {
		const f = signInOf(pages[i]);
		const submitted = await browser.submit(pages[i], f, { username: lk.ana.username, password: lk.ana.password });
		const end = read(await browser.walk(submitted, { user: lk.ana }), requests[i]);
		CODE(end);
	}
});

table('U-10 a transaction that is none of ours:', [
	['garbage', () => random(30)],
	['nothing', () => ''],
	['very long', () => 'A'.repeat(6000)],
], async (make) => {
	const at = await atConsent();
	for (const c of at.form.controls.filter((x) => x.type === 'hidden')) {
		const answer = await at.browser.post(target(at), pressed(at).map(([n, v]) => [n, n === c.name ? make() : v]));
		assert.ok([400, 403].includes(answer.status), String(answer));
		assert.equal(answer.get('location'), undefined);
	}
});

test('U-10 a transaction begun in one browser leads nowhere in another', async () => {
	const attacker = lk.browser();
	const page = await attacker.authorize(lk.request(lk.web), { stopAt: 'signin' });
	const transaction = signInOf(page).control('transaction').value;
	const victim = await lk.as(lk.ben);
	const target = `/consent?transaction=${encodeURIComponent(transaction)}`;
	PAGE(400)(Object.assign(await victim.get(target), { request: lk.request(lk.web) }));
	// In its own browser the same link asks for sign-in.
	assert.ok(signInOf(await attacker.get(target)));
});

test('U-04 a sign-in form works once', async () => {
	const browser = lk.browser();
	const page = await browser.follow(await browser.get('/account'));
	const pairs = fill(signInOf(page), { username: lk.ben.username, password: lk.ben.password });
	const first = await browser.post('/signin', pairs);
	assert.equal(first.status, 303, String(first));
	const session = browser.cookies.get('__Host-latchkey-session');
	const again = await browser.post('/signin', pairs);
	assert.equal(again.status, 403, String(again));
	assert.equal(browser.cookies.get('__Host-latchkey-session'), session);
});

test('U-04 a sign-out form works once, a disconnect form works once', async () => {
	const browser = lk.browser();
	await browser.signIn(lk.ben);
	await lk.grant(lk.web2, {}, { user: lk.ben, browser });
	const page = await browser.get('/account');
	const disconnect = forms(page.text).find((f) => f.action !== '/signout');
	assert.equal((await browser.submit(page, disconnect)).status, 303);
	assert.equal((await browser.submit(page, disconnect)).status, 403);
});

test('U-11 a second submission gives no second code', async () => {
	const at = await atConsent();
	const first = await finish(at);
	CODE(first);
	const second = await at.browser.post(target(at), pressed(at));
	assert.ok(second.isHtml, String(second));
	assert.equal(second.get('location'), undefined);
	assert.ok(second.status < 500);
	OK(await lk.exchange(lk.web, first)); // and the first is not harmed
});

test('U-11 two submissions at once give one code', async () => {
	const at = await atConsent();
	const answers = await Promise.all(Array.from({ length: 8 }, () => at.browser.post(target(at), pressed(at))));
	const codes = answers.map((a) => a.get('location')).filter(Boolean);
	assert.equal(codes.length, 1, answers.join('\n\n'));
});

test('U-11 the other decision after the first is not heard', async () => {
	const at = await atConsent();
	const first = await finish(at);
	const late = await at.browser.post(target(at), pressed(at, 'deny'));
	assert.equal(late.get('location'), undefined, String(late));
	OK(await lk.exchange(lk.web, first));
	const denied = await atConsent();
	RED('access_denied')(await finish(denied, 'deny'));
	const turned = await denied.browser.post(target(denied), pressed(denied));
	assert.equal(turned.get('location'), undefined, String(turned));
});

// ---- U-12: guessing ------------------------------------------------------------------------

async function attempt(username, password, from = address()) {
	const browser = lk.browser({ from });
	const page = await browser.follow(await browser.get('/account'));
	const before = worked(lk.child);
	const answer = await browser.submit(page, signInOf(page), { username, password });
	return { answer, ms: worked(lk.child) - before, browser };
}

test('U-12 one message and one time for a wrong password and an unknown person', async () => {
	const seen = { wrong: [], unknown: [] };
	for (let i = 0; i < 4; i++) {
		seen.wrong.push(await attempt('dora', `wrong-${random()}`));
		seen.unknown.push(await attempt(`nobody${i}`, `wrong-${random()}`));
	}
	const shape = ({ answer }) => `${answer.status} ${answer.text.replace(/value="[^"]*"/g, '').replace(/\s+/g, ' ')}`;
	assert.equal(shape(seen.wrong[0]), shape(seen.unknown[0]));
	assert.ok(![303, 500, 503].includes(seen.wrong[0].answer.status));
	const [wrong, unknown] = [seen.wrong, seen.unknown].map((list) => Math.min(...list.map((x) => x.ms)));
	assert.ok(Math.abs(wrong - unknown) < Math.max(wrong, unknown) / 2, JSON.stringify([seen.wrong, seen.unknown].map((l) => l.map((x) => x.ms))));
});

test('U-12 H-14 guessing is slowed down: 429 with Retry-After', async () => {
	const from = address();
	let limited;
	for (let i = 0; i < 60 && !limited; i++) {
		const { answer } = await attempt('nobody-here', 'wrong-password', from);
		if (answer.status === 429)
			limited = answer;
	}
	assert.ok(limited, '60 wrong passwords in a row, never a 429');
	assert.match(limited.get('retry-after') ?? '', /^[1-9]\d*$/);
});

test('U-12 H-14 guesses sent all at once are no cheaper than one after the other', async () => {
	const from = address();
	const waiting = [];
	for (let i = 0; i < 20; i++) {
		const browser = lk.browser({ from });
		waiting.push([browser, await browser.follow(await browser.get('/account'))]);
	}
	const answers = await Promise.all(waiting.map(([browser, page]) =>
		browser.submit(page, signInOf(page), { username: 'nobody-at-once', password: 'wrong-password' })));
	const checked = answers.filter((answer) => answer.status !== 429).length;
	assert.ok(checked >= 1 && checked <= 8, `${checked} of 20 were checked`);
});

test('U-12 C-16 an outsider cannot lock a person out', async () => {
	const from = address();
	for (let i = 0; i < 30; i++)
		await attempt('emil', 'wrong-password', from);
	// emil, from elsewhere, with the right password: at worst after a short wait.
	let signedIn = false;
	for (let i = 0; i < 8 && !signedIn; i++) {
		const { answer, browser } = await attempt('emil', lk.emil.password);
		signedIn = answer.status === 303 && !signInOf(await browser.follow(await browser.get('/account')));
		if (!signedIn)
			await sleep(1000);
	}
	assert.ok(signedIn, 'locked out');
});

// ---- U-13: form_post ---------------------------------------------------------------------------

test('U-13 the form_post page', async () => {
	const state = '"><script>alert(1)</script>\'&';
	const answer = await lk.authorize(lk.web, { response_mode: 'form_post', state });
	CODE(answer);
	assert.equal(answer.status, 200);
	const all = forms(answer.text);
	assert.equal(all.length, 1);
	assert.equal(all[0].method, 'POST');
	assert.equal(all[0].action, lk.web.redirect_uri);
	assert.ok(all[0].buttons.length >= 1, 'no button for browsers without script');
	assert.deepEqual(all[0].controls.filter((c) => c.name).map((c) => c.name).sort(), ['code', 'iss', 'state']);
	assert.ok(all[0].controls.filter((c) => c.name).every((c) => c.type === 'hidden'));
	assert.equal(answer.got_state, state);
	assert.ok(!answer.text.includes('<script>alert'));
	const csp = answer.get('content-security-policy');
	const nonce = /script-src 'nonce-([A-Za-z0-9+/_=-]{16,})'/.exec(csp)?.[1];
	assert.ok(nonce, csp);
	assert.ok(answer.text.includes(`nonce="${nonce}"`));
	assert.match(csp, /form-action[^;]*https:\/\/app\.example/);
	const other = await lk.authorize(lk.web, { response_mode: 'form_post' });
	assert.ok(!other.get('content-security-policy').includes(nonce), 'the nonce is used twice');
});

test('U-13 a denial and an error by form_post', async () => {
	RED('access_denied', { by: 'form_post' })(await lk.authorize(lk.web, { response_mode: 'form_post', prompt: 'consent' }, { decision: 'deny' }));
	RED('invalid_scope', { by: 'form_post' })(await lk.ask(lk.web, { response_mode: 'form_post', scope: 'moon:landing' }));
	PAGE(400)(await lk.ask(lk.web, { response_mode: 'form_post', redirect_uri: 'https://evil.example/' }));
});

test('U-09 U-08 sign-in is asked before consent, and consent names the one who signed in', async () => {
	const browser = lk.browser();
	const request = lk.request(lk.web, { prompt: 'consent' });
	const page = await browser.authorize(request, { user: lk.ben, stopAt: 'consent' });
	assert.ok(page.text.includes('Ben Example'));
	assert.ok(!page.text.includes('Ana Example'));
});

close(lk);
