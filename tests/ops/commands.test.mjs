// SPDX-License-Identifier: Apache-2.0
//
// Operating it (issue 2 section 3): what a command changes, the running server
// does within a second; what was refused can be explained.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { ACME, cast, close, startCast, table } from '../lib/cast.mjs';
import { Latchkey, SLOW, basic, forms, random, sleep } from '../lib/latchkey.mjs';
import { INACTIVE, J400, J401, PAGE, TOKENS } from '../lib/outcome.mjs';

const lk = await startCast();
const machine = { grant_type: 'client_credentials' };

// ---- changes reach the running server within a second ------------------------------------

test('R9.1 client add, edit, disable, enable, remove reach the running server within a second', async () => {
	const client = await lk.client('Newcomer', { type: 'confidential', grant: 'client_credentials', scope: 'export-jobs:read', 'default-scope': 'export-jobs:read' });
	const status = async () => (await lk.token(client, machine)).status;
	const delays = [];
	const becomes = async (wanted) => {
		await lk.eventually(`status ${wanted}`, async () => (await status()) === wanted);
		delays.push(lk.waited);
	};
	await becomes(200);
	await lk.change('client', 'disable', client.client_id);
	await becomes(401);
	await lk.change('client', 'enable', client.client_id);
	await becomes(200);
	await lk.change('client', 'edit', client.client_id, '--scope', 'users:read', '--default-scope', 'users:read');
	await lk.eventually('the new scope', async () => (await lk.token(client, machine)).json.scope === 'users:read');
	await lk.change('client', 'remove', client.client_id);
	await becomes(401);
	delays.sort((a, b) => a - b); // the median, so that one busy moment does not decide
	assert.ok(delays[1] <= 1000 * SLOW, `${delays} ms`);
});

test('R3.4 rotate-secret with overlap: both work, then only the new one', async () => {
	const client = await lk.client('Rotating', { type: 'confidential', grant: 'client_credentials', scope: 'export-jobs:read', 'default-scope': 'export-jobs:read' });
	await lk.eventually('the client', async () => (await lk.token(client, machine)).status === 200);
	const rotated = await lk.json('client', 'rotate-secret', client.client_id, '--overlap', '2');
	lk.secret(rotated.client_secret);
	assert.notEqual(rotated.client_secret, client.client_secret);
	const fresh = { ...client, client_secret: rotated.client_secret };
	await lk.eventually('the new secret', async () => (await lk.token(fresh, machine)).status === 200);
	await sleep(2500);
	J401('invalid_client')(await lk.token(client, machine));
	TOKENS(await lk.token(fresh, machine));
	const last = await lk.json('client', 'rotate-secret', client.client_id);
	lk.secret(last.client_secret);
	await lk.eventually('the last secret', async () => (await lk.token({ ...client, client_secret: last.client_secret }, machine)).status === 200);
	J401('invalid_client')(await lk.token(fresh, machine)); // without overlap the old one ends at once
});

test('R3.4 during an overlap both secrets are good', async () => {
	const client = await lk.client('Overlap', { type: 'confidential', grant: 'client_credentials', scope: 'export-jobs:read', 'default-scope': 'export-jobs:read' });
	const rotated = await lk.json('client', 'rotate-secret', client.client_id, '--overlap', '24h');
	lk.secret(rotated.client_secret);
	await lk.eventually('the new secret', async () => (await lk.token({ ...client, client_secret: rotated.client_secret }, machine)).status === 200);
	TOKENS(await lk.token(client, machine));
	const { client_secrets } = await lk.json('client', 'show', client.client_id);
	assert.equal(client_secrets.length, 2);
	assert.equal(client_secrets.filter((s) => s.expires_at !== null).length, 1);
});

test('R4.4 scope add and remove reach the running server within a second', async () => {
	const scopes = async () => (await lk.get('/.well-known/oauth-authorization-server')).json.scopes_supported;
	await lk.scope('payments:read', 'See your payments');
	await lk.eventually('the new scope', async () => (await scopes()).includes('payments:read'));
	await lk.change('scope', 'remove', 'payments:read');
	await lk.eventually('its removal', async () => !(await scopes()).includes('payments:read'));
	const used = await lk.command('scope', 'remove', 'export-jobs:read');
	assert.ok(used.status > 0, 'removed while clients name it');
	assert.match(used.stderr, /export-jobs:read/);
});

test('R4.4 a scope has the form resource:permission and a sentence', async () => {
	for (const name of ['nonsense', 'a b', 'A:B c', '', 'export:', ':read', 'x:"'])
		assert.ok((await lk.command('scope', 'add', name, '--describe', 'x')).status > 0, name);
	assert.ok((await lk.command('scope', 'add', 'good:name')).status > 0, 'without a sentence');
});

test('R6.7 a resource server added while serving may introspect within a second', async () => {
	const api = await lk.resource('Late API');
	await lk.eventually('the resource', async () => (await lk.introspect('x', {}, { as: api })).status === 200);
	await lk.change('resource', 'remove', api.client_id);
	await lk.eventually('its removal', async () => (await lk.introspect('x', {}, { as: api })).status === 401);
});

// ---- people and authorisations --------------------------------------------------------------

test('R6.7 grant list, show and end', async () => {
	const tokens = await lk.grant(lk.web, {}, { user: lk.ben });
	const list = await lk.json('grant', 'list', '--user', 'ben', '--client', lk.web.client_id);
	assert.equal(list[0].state, 'live');
	assert.equal(list[0].username, 'ben');
	assert.equal(list[0].client_id, lk.web.client_id);
	const shown = await lk.json('grant', 'show', list[0].grant.slice(0, 8));
	assert.equal(shown.grant, list[0].grant);
	for (const text of [JSON.stringify(list), JSON.stringify(shown)])
		assert.deepEqual(lk.ledger.found(text), []);
	await lk.change('grant', 'end', list[0].grant.slice(0, 8));
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(lk.web, tokens.refresh_token));
	const after = await lk.json('grant', 'show', list[0].grant);
	assert.equal(after.state, 'ended');
	assert.match(after.ended_from, /operator/);
	const twice = await lk.command('grant', 'end', list[0].grant);
	assert.ok(twice.status > 0);
	assert.match(twice.stderr, /ended before/);
});

test('R6.7 user passwd ends sessions and authorisations', async () => {
	const hal = await lk.user({ username: 'hal', companies: [`${ACME}:Acme GmbH`] });
	const browser = lk.browser();
	await browser.signIn(hal);
	const tokens = await lk.grant(lk.web, {}, { user: hal, browser });
	const password = lk.secret(random());
	await lk.change('user', 'passwd', 'hal', '--password-stdin', { input: `${password}\n` });
	INACTIVE(await lk.introspect(tokens.access_token));
	J400('invalid_grant')(await lk.refresh(lk.web, tokens.refresh_token));
	const page = await browser.follow(await browser.get('/account'));
	assert.ok(forms(page.text).some((f) => f.has('password')), 'still signed in');
	const again = lk.browser();
	assert.equal((await again.signIn(hal)).status === 303 && !forms((await again.follow(await again.get('/account'))).text).some((f) => f.has('password')), false);
	const fresh = lk.browser();
	await fresh.signIn({ ...hal, password });
	assert.ok(!forms((await fresh.follow(await fresh.get('/account'))).text).some((f) => f.has('password')));
});

test('R6.7 user disable ends sessions and authorisations, enable lets sign in again', async () => {
	const iris = await lk.user({ username: 'iris', companies: [`${ACME}:Acme GmbH`] });
	const browser = lk.browser();
	await browser.signIn(iris);
	const tokens = await lk.grant(lk.web, {}, { user: iris, browser });
	await lk.change('user', 'disable', 'iris');
	INACTIVE(await lk.introspect(tokens.access_token));
	assert.ok(forms((await browser.follow(await browser.get('/account'))).text).some((f) => f.has('password')));
	const locked = lk.browser();
	await locked.signIn(iris);
	assert.ok(forms((await locked.follow(await locked.get('/account'))).text).some((f) => f.has('password')));
	await lk.change('user', 'enable', 'iris');
	const back = lk.browser();
	await back.signIn(iris);
	assert.ok(!forms((await back.follow(await back.get('/account'))).text).some((f) => f.has('password')));
	INACTIVE(await lk.introspect(tokens.access_token)); // what ended stays ended
});

test('the account page lists the app, says since when, and shows a replay for what it is', async () => {
	const jo = await lk.user({ username: 'jo', name: 'Jo', companies: [`${ACME}:Acme GmbH`] });
	const browser = lk.browser();
	await browser.signIn(jo);
	const first = await lk.grant(lk.web, {}, { user: jo, browser });
	const page = await browser.get('/account');
	for (const text of ['Ledger Sync', 'Acme GmbH', 'See your export jobs'])
		assert.ok(page.text.includes(text), text);
	TOKENS(await lk.refresh(lk.web, first.refresh_token));
	J400('invalid_grant')(await lk.refresh(lk.web, first.refresh_token));
	const after = await browser.get('/account');
	assert.match(after.text, /twice|second time|used again/i);
});

test('the audit trail tells what mattered, without a secret', async () => {
	const kim = await lk.user({ username: 'kim', companies: [`${ACME}:Acme GmbH`] });
	const browser = lk.browser();
	await browser.signIn(kim);
	const first = await lk.grant(lk.web, {}, { user: kim, browser });
	TOKENS(await lk.refresh(lk.web, first.refresh_token));
	await lk.refresh(lk.web, first.refresh_token);
	const wrong = lk.browser();
	await wrong.signIn({ ...kim, password: lk.secret(`wrong-${random()}`) });
	await sleep(300);
	const entries = await lk.json('audit', '--limit', '1000');
	const events = entries.map((e) => e.event);
	for (const event of ['client_added', 'user_added', 'scope_added', 'resource_added', 'client_secret_rotated', 'client_disabled', 'client_removed', 'password_changed', 'user_disabled', 'grant_ended'])
		assert.ok(events.includes(event), `${event} is not among ${[...new Set(events)].join(' ')}`);
	assert.ok(events.some((e) => /sign_in/.test(e) && /fail/.test(e)), [...new Set(events)].join(' '));
	assert.ok(events.some((e) => /sign(ed)?_in/.test(e) && !/fail/.test(e)), [...new Set(events)].join(' '));
	assert.ok(entries.every((e) => e.at && e.actor), 'when and who');
	const replay = entries.find((e) => e.event === 'grant_ended');
	assert.match(JSON.stringify(replay), /replay|again|twice/i);
	assert.deepEqual(lk.ledger.found(JSON.stringify(entries)), []);
	const only = await lk.json('audit', '--event', 'client_added');
	assert.ok(only.length > 3 && only.every((e) => e.event === 'client_added'));
	const people = await lk.change('audit');
	assert.match(people.stdout, /EVENT/);
});

// ---- explain ------------------------------------------------------------------------------------

async function explain(answer) {
	const id = answer.get('latchkey-error-id');
	assert.match(id ?? '', /^\w{6,32}$/, String(answer));
	if (answer.isHtml)
		assert.ok(answer.text.includes(id), 'the page does not show the id');
	let result;
	await lk.eventually('the note', async () => {
		result = await lk.command('explain', id);
		return result.status === 0;
	}, 3000 * SLOW);
	assert.deepEqual(lk.ledger.found(result.stdout), []);
	const line = await lk.eventually('the id in the log', () => lk.events('request').find((e) => e.error_id === id));
	assert.ok(line);
	return result.stdout;
}

test('explain a redirect mismatch: both URIs and the first differing character', async () => {
	const answer = await lk.ask(lk.web, { redirect_uri: 'https://app.example/cB' });
	PAGE(400)(answer);
	const said = await explain(answer);
	assert.ok(said.includes('https://app.example/cb'), said);
	assert.ok(said.includes('https://app.example/cB'), said);
	assert.match(said, /22/); // the 22nd character
	assert.match(said, /'b'[^]*'B'|'B'[^]*'b'/);
});

test('explain a replayed refresh token: used again, from where, replaced when', async () => {
	const first = await lk.grant(lk.web);
	TOKENS(await lk.refresh(lk.web, first.refresh_token));
	const said = await explain(await lk.refresh(lk.web, first.refresh_token));
	assert.match(said, /again|replay/i);
	assert.ok(said.includes(lk.from), said);
	assert.match(said, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
});

table('explain a dead authorisation:', [
	['by the client', async (t) => lk.revoke(lk.web, t.refresh_token), /client/i],
	['by the operator', async () => {
		const [newest] = await lk.json('grant', 'list', '--client', lk.web.client_id);
		await lk.change('grant', 'end', newest.grant);
	}, /operator/i],
	['by a replayed code', async (t) => lk.exchange(lk.web, t.authorized), /code/i],
], async (end, expected) => {
	const tokens = await lk.grant(lk.web);
	await end(tokens);
	const said = await explain(await lk.refresh(lk.web, tokens.refresh_token));
	assert.match(said, expected);
	assert.match(said, /What to do/);
});

test('explain tells times as times, and what was not sent not at all', async () => {
	const first = await lk.grant(lk.web);
	await lk.revoke(lk.web, first.refresh_token);
	const dead = await explain(await lk.refresh(lk.web, first.refresh_token));
	assert.match(dead, /ended_at: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/);
	const target = await lk.token(lk.machine, { ...machine, resource: 'https://nobody.example/api' });
	J400('invalid_target')(target);
	const said = await explain(target);
	assert.match(said, /resource_presented: https:\/\/nobody\.example\/api/);
	assert.doesNotMatch(said, /scope_presented/);
});

test('explain the wrong way to authenticate: which arrived, which is registered', async () => {
	const answer = await lk.post('/oauth/token', { ...machine, client_id: lk.machine.client_id, client_secret: lk.machine.client_secret });
	J400('invalid_client')(answer);
	const said = await explain(answer);
	assert.match(said, /client_secret_post/);
	assert.match(said, /client_secret_basic/);
	const secret = await explain(await lk.post('/oauth/token', machine, [['Authorization', basic(lk.machine.client_id, 'wrong')]]));
	assert.match(secret, /secret/i);
	const unknown = await explain(await lk.post('/oauth/token', machine, [['Authorization', basic('lkc_nobody', 'wrong')]]));
	assert.match(unknown, /lkc_nobody/);
});

test('explain an id that was never given out', async () => {
	const result = await lk.command('explain', 'aaaaaaaaaa');
	assert.ok(result.status > 0);
	assert.match(result.stderr, /aaaaaaaaaa/);
});

test('every refusal of the direct endpoints carries an id of its own', async () => {
	const ids = new Set();
	for (let i = 0; i < 20; i++)
		ids.add((await lk.post('/oauth/token', machine)).get('latchkey-error-id'));
	assert.equal(ids.size, 20);
	assert.ok(![...ids].includes(undefined));
});

// ---- the command line itself ---------------------------------------------------------------------

test('every command says how it is used, and refuses what it does not know', async () => {
	const help = await lk.cli('--help');
	assert.equal(help.status, 0);
	for (const word of ['init', 'serve', 'client', 'user', 'scope', 'resource', 'grant', 'key', 'explain', 'audit'])
		assert.ok(help.stdout.includes(word), word);
	for (const args of [['frobnicate'], ['client', 'frobnicate'], ['client', 'add', '--frobnicate'], []]) {
		const result = await lk.cli(...args);
		assert.ok(result.status > 0, args.join(' '));
		assert.ok(result.stderr.length > 5, args.join(' '));
	}
	const version = await lk.cli('--version');
	assert.equal(version.status, 0);
	assert.match(version.stdout, /\d+\.\d+/);
});

test('--json everywhere is JSON', async () => {
	for (const args of [['client', 'list'], ['user', 'list'], ['scope', 'list'], ['resource', 'list'], ['grant', 'list'], ['key', 'list'], ['audit'],
		['client', 'show', lk.web.client_id], ['user', 'show', 'ana']])
		assert.ok(typeof await lk.json(...args) === 'object', args.join(' '));
});

test('what is not there is said in a sentence', async () => {
	for (const args of [['client', 'show', 'lkc_nobody'], ['client', 'edit', 'lkc_nobody'], ['user', 'show', 'nobody'], ['user', 'passwd', 'nobody', '--password-stdin'], ['grant', 'show', 'abcdef0123'], ['scope', 'remove', 'no:scope']]) {
		const result = await lk.command(...args, { input: 'a long enough password\n' });
		assert.ok(result.status > 0, args.join(' '));
		assert.ok(/[a-z]/.test(result.stderr) && result.stderr.trim().split('\n').length <= 3, result.stderr);
	}
	const nowhere = await lk.cli('client', 'list', '--dir', '/nonexistent/latchkey');
	assert.ok(nowhere.status > 0);
	assert.match(nowhere.stderr, /\/nonexistent\/latchkey/);
});

test('init --development listens where its issuer says', async () => {
	for (const [issuer, at] of [[lk.issuer, `127.0.0.1:${lk.port}`], ['https://localhost/below', '127.0.0.1:443']]) {
		const dir = path.join(lk.dir, `listens-${at.split(':')[1]}`);
		await lk.must('init', '--dir', dir, '--issuer', issuer, '--development');
		const shown = await lk.must('serve', '--dir', dir, '--show-config');
		assert.match(shown.stdout, new RegExp(`^listen = ${at}$`, 'm'));
	}
});

test('R3.5 the type cannot be changed; a username is taken once; a name like the platform\'s is refused', async () => {
	assert.ok((await lk.command('client', 'edit', lk.web.client_id, '--type', 'public')).status > 0);
	const taken = await lk.command('user', 'add', '--username', 'ana', '--name', 'Other', '--password-stdin', { input: 'a long enough password\n' });
	assert.ok(taken.status > 0);
	assert.match(taken.stderr, /ana/);
	for (const name of ['Latchkey', 'LATCHKEY', 'Latchkey Support', 'L\u0430tchkey']) {
		const made = await lk.command('client', 'add', '--name', name, '--type', 'public', '--scope', 'export-jobs:read', '--redirect-uri', 'https://x.example/cb');
		assert.ok(made.status > 0, name);
	}
});

test('key rotate: old tokens stay good, new ones are of the new epoch; retired ones die', async () => {
	const own = await Latchkey.start({ prepare: cast });
	try {
		const before = await own.grant(own.web);
		await own.change('key', 'rotate');
		await sleep(1100);
		assert.equal(await own.active(before.access_token), true);
		const after = TOKENS(await own.refresh(own.web, before.refresh_token));
		const epoch = (t) => Buffer.from(t.slice(6), 'base64url')[0];
		assert.notEqual(epoch(after.access_token), epoch(before.access_token));
		const list = await own.json('key', 'list');
		assert.equal(list.filter((k) => k.state === 'current').length, 1);
	} finally {
		await own.remove();
	}
});

close(lk);
