// SPDX-License-Identifier: Apache-2.0
//
// Every option of client add is kept and shown; a person removed is gone with all they
// gave; --user and dev trust do what their sentence says.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';

import { BINARY, Latchkey, run } from '../lib/latchkey.mjs';
import { ACME, cast } from '../lib/cast.mjs';

const lk = await Latchkey.start({ prepare: cast });
after(() => lk.remove());

const at = 'https://app.example';
const TEXTS = { 'client-uri': 'client_uri', 'tos-uri': 'tos_uri', 'policy-uri': 'policy_uri',
	'initiate-uri': 'initiate_login_uri', 'settings-uri': 'settings_uri' };

for (const [what, given, expected] of [
	...Object.entries(TEXTS).map(([option, member]) => [option, { [option]: `${at}/${option}` }, { [member]: `${at}/${option}` }]),
	['contact, twice', { contact: ['a@app.example', 'b@app.example'] }, { contacts: ['a@app.example', 'b@app.example'] }],
	['subject-type', { 'subject-type': 'entity' }, { default_subject_type: 'entity' }],
	['redirect-uri, twice', { 'redirect-uri': [`${at}/a`, `${at}/b`] }, { redirect_uris: [`${at}/a`, `${at}/b`] }],
	['default-scope', { 'default-scope': 'export-jobs:read' }, { default_scope: 'export-jobs:read' }],
	['redirect-uri-optional', { 'redirect-uri-optional': true }, { redirect_uri_optional: true }],
	['unsafe-pkce-exempt', { 'unsafe-pkce-exempt': true }, { pkce_exempt: true }],
	['unsafe-retry-without-key', { 'unsafe-retry-without-key': '20' }, { retry_without_key: 20 }],
	['native', { type: 'public', native: true, 'redirect-uri': 'http://127.0.0.1/cb' }, { native: true }],
	['origin and browser-refresh', { type: 'public', origin: at, 'browser-refresh': true }, { origins: [at], refresh_for_browser: true }],
	['grant', { grant: ['authorization_code', 'client_credentials'] }, { grant_types: ['authorization_code', 'client_credentials'] }],
])
	test(`client add and client edit: ${what}`, async () => {
		const base = { type: 'confidential', scope: 'export-jobs:read', 'redirect-uri': `${at}/cb` };
		const shown = async (id) => {
			const all = await lk.json('client', 'show', id);
			return Object.fromEntries(Object.keys(expected).map((key) => [key, all[key]]));
		};
		const added = await lk.client('Of all options', { ...base, ...given });
		assert.deepEqual(await shown(added.client_id), expected);
		const plain = await lk.client('Of none', { ...base, type: given.type ?? base.type, ...(given.native ? { 'redirect-uri': `${at}/native` } : {}) });
		const flags = Object.entries(given).filter(([flag]) => flag !== 'type').flatMap(([flag, value]) =>
			[value].flat().flatMap((v) => (v === true ? [`--${flag}`] : [`--${flag}`, v])));
		await lk.change('client', 'edit', plain.client_id, ...flags);
		assert.deepEqual(await shown(plain.client_id), expected);
	});

test('R6.7 user remove ends the person\'s authorisations and sign-ins', async () => {
	const user = await lk.user({ username: 'gone', companies: [`${ACME}:Acme`] });
	const browser = lk.browser();
	await browser.signIn(user);
	const tokens = await lk.grant(lk.web, {}, { user, browser });
	assert.equal(await lk.active(tokens.access_token), true);
	await lk.change('user', 'remove', 'gone');
	assert.equal(await lk.active(tokens.access_token), false);
	assert.equal((await lk.refresh(lk.web, tokens.refresh_token)).json.error, 'invalid_grant');
	assert.match((await browser.get('/account')).get('location'), /\/signin$/);
	assert.ok((await lk.command('user', 'show', 'gone')).status > 0);
});

test('serve --user: that user and no other', async (t) => {
	if (process.getuid() !== 0)
		return t.skip('not root');
	const own = new Latchkey({ serve: ['--user', 'daemon'] });
	await own.init();
	const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'daemon'])));
	fs.chmodSync(own.dir, 0o755);
	for (const f of ['', ...fs.readdirSync(own.data)])
		fs.chownSync(path.join(own.data, f), uid, gid);
	await own.serve();
	assert.match(fs.readFileSync(`/proc/${own.child.pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}`, 'm'));
	await own.stop();
	const nobody = await own.command('serve', '--user', 'no-such-user');
	assert.ok(nobody.status > 0);
	assert.match(nobody.stderr, /no-such-user/);
	await own.remove();
});

// In a mount namespace of its own: the machine's store stays as it is.
test('dev trust: the system\'s store takes the CA, and curl needs no --cacert', async (t) => {
	if (process.getuid() !== 0 || spawnSync('unshare', ['-m', 'true']).status !== 0)
		return t.skip('cannot have a store of our own here');
	const { status, stdout, stderr } = await run('unshare', ['-m', 'sh', '-ec', `
		mount -t tmpfs tmpfs /usr/local/share/ca-certificates
		cp -a /etc/ssl "$3/ssl" && mount --bind "$3/ssl" /etc/ssl
		curl -s -o /dev/null "$4" && exit 9
		"$1" dev trust --dir "$2"
		curl -sf "$4"`, 'sh', BINARY, lk.data, lk.dir, `${lk.issuer}/.well-known/oauth-authorization-server`]);
	assert.equal(status, 0, stdout + stderr);
	assert.match(stdout, new RegExp(`"issuer":"${lk.issuer}"`));
	assert.ok(!fs.existsSync('/usr/local/share/ca-certificates/latchkey-development.crt'));
});
