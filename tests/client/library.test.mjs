// SPDX-License-Identifier: Apache-2.0
//
// The library as somebody finds it who has installed it: what it exports, that C11 and
// C++11 programs compile and link against it, shared and static, and that the examples
// do what they say.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, run } from '../lib/latchkey.mjs';
import { connect, consenting, Driver, registration, vault } from './driver.mjs';
import { HttpsServer, pems, send } from './proofs/https.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BUILD = path.dirname(BINARY);
const HEADER = fs.readFileSync(path.join(ROOT, 'include/latchkey/latchkey.h'), 'utf8');
const sanitized = !fs.existsSync(path.join(BUILD, 'src/client/library/liblatchkey.a'));

const dest = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-dest-'));
after(() => fs.rmSync(dest, { recursive: true, force: true }));

async function must(command, args, options) {
	const done = await run(command, args, options);
	assert.equal(done.status, 0, `${command} ${args.join(' ')}\n${done.stdout}${done.stderr}`);
	return done.stdout;
}

const find = (name) => {
	const found = fs.readdirSync(dest, { recursive: true }).find((f) => path.basename(f) === name);
	assert.ok(found, `${name} is not installed`);
	return path.join(dest, found);
};
const symbols = async (file, ...options) => (await must('nm', [...options, '--defined-only', '--extern-only', file]))
	.split('\n').map((l) => /^[0-9a-f]+ [TDRBV] (\w+)/.exec(l)?.[1]).filter(Boolean).sort();
const declared = [...HEADER.matchAll(/^LK_API [^;]*?\b(lk_\w+)\(/gms)].map((m) => m[1]).sort();

// `make install` after plain `make`: what it has ninja build is all that it installs.
test('make install builds whatever is installed', async () => {
	const recipe = await must('make', ['-n', 'install', 'BUILD=build'], { cwd: ROOT });
	const [, targets] = /ninja -C build (latchkey .+)$/m.exec(recipe);
	const commands = (await must('ninja', ['-C', BUILD, '-t', 'commands', ...targets.split(' ')])).split(/\s/);
	const built = Object.keys(JSON.parse(await must('meson', ['introspect', '--installed', BUILD])))
		.filter((f) => f.startsWith(`${BUILD}/`) && !f.includes('/meson-private/') && !f.endsWith('.service')) // which meson itself writes
		.map((f) => path.relative(BUILD, f));
	assert.ok(built.length >= 5, built.join());
	assert.deepEqual(built.filter((f) => !commands.includes(f)), []);
});

test('install', async () => {
	await must('meson', ['install', '-C', BUILD, '--no-rebuild', '--destdir', dest]);
	assert.equal(fs.readFileSync(find('latchkey.h'), 'utf8'), HEADER);
	const page = fs.readFileSync(find('liblatchkey.3'), 'utf8');
	const names = (text, pattern) => [...text.matchAll(pattern)].map((m) => m[1]).sort();
	const functions = names(HEADER, /^LK_API [^;(]*?\b(lk_\w+)\(/gm);
	assert.ok(functions.length > 25);
	assert.deepEqual(names(page, /^\.Nm (\w+)/gm), functions);
	assert.deepEqual(names(page.slice(0, page.indexOf('.Sh DESCRIPTION')), /^\.F[no] (\w+)/gm), functions);
});

test('the systemd units start the program where it is installed', async () => {
	const options = JSON.parse(await must('meson', ['introspect', '--buildoptions', BUILD]));
	const [prefix, bindir] = ['prefix', 'bindir'].map((name) => options.find((o) => o.name === name).value);
	const program = path.join(prefix, bindir, 'latchkey');
	assert.ok(fs.existsSync(path.join(dest, program)), program);
	for (const unit of ['latchkey.service', 'latchkey-agent.service']) {
		const text = fs.readFileSync(find(unit), 'utf8');
		const lines = text.match(/^ExecStart(Pre)?=.*latchkey.*$/gm);
		assert.ok(lines.length > 0 && lines.every((l) => l.replace(/^\w+=-?/, '').startsWith(`${program} `)), lines.join());
		assert.doesNotMatch(text, /@BINDIR@/);
	}
});

test('the shared library exports what latchkey.h declares, and nothing else', async () => {
	assert.ok(declared.length > 25 && declared.includes('lk_token'), declared.join());
	assert.deepEqual(await symbols(find('liblatchkey.so'), '-D'), declared);
});

test('so does the static one', { skip: sanitized && 'it is not made for a sanitizer' }, async () => {
	assert.deepEqual(await symbols(find('liblatchkey.a')), declared);
});

const flags = async (...options) => {
	const text = await must('pkg-config', [...options, 'latchkey'], { env: { PKG_CONFIG_PATH: path.dirname(find('latchkey.pc')), PKG_CONFIG_SYSROOT_DIR: dest } });
	return text.trim().split(/\s+/);
};
const warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];

const C11 = ['cc', ['-std=c11']];
const CXX = ['c++', ['-x', 'c++', '-std=c++11']];
for (const [file, language, [compiler, options]] of [
	['examples/webapp.c', 'C11', C11], ['examples/daemon.c', 'C11', C11], ['tests/client/cxx.cpp', 'C++11', CXX],
])
	test(`${file} compiles as ${language} and links`, { skip: sanitized && 'it links without a runtime' }, async () => {
		const object = path.join(dest, `${path.basename(file)}.o`);
		await must(compiler, [...options, ...warnings, ...await flags('--cflags'), '-c', path.join(ROOT, file), '-o', object]);
		await must(compiler, [object, '-o', path.join(dest, 'linked'), ...await flags('--libs')]);
		const statically = (await flags('--libs', '--static')).map((f) => (f === '-llatchkey' ? find('liblatchkey.a') : f));
		await must(compiler, [object, '-o', path.join(dest, 'linked-static'), ...statically]);
	});

test('a program may have functions called as ours are inside', { skip: sanitized && 'no static library' }, async () => {
	const source = path.join(dest, 'mine.c');
	fs.writeFileSync(source, '#include <latchkey/latchkey.h>\n#include <stdio.h>\nint arena_new(void) { return 7; }\nint sha256(void) { return 8; }\n'
		+ 'int main(void) { printf("%s %d\\n", lk_version(), arena_new() + sha256()); return 0; }\n');
	const statically = (await flags('--cflags', '--libs', '--static')).map((f) => (f === '-llatchkey' ? find('liblatchkey.a') : f));
	await must('cc', [source, '-o', path.join(dest, 'mine'), ...statically]);
	assert.equal(await must(path.join(dest, 'mine'), []), '0.1.0 15\n');
});

// ---- the examples ----------------------------------------------------------------------

const lk = await startCast();
after(() => lk.remove());
const place = vault();
after(() => place.remove());
const api = await new HttpsServer(pems(lk), async (request, response) => {
	const [, token] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
	const { active, sub } = token ? (await lk.introspect(token)).json : {};
	return active ? send(response, 200, `exports of ${sub.length > 0}\n`) : send(response, 401, '', { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
}).listen();
after(() => api.close());

const registered = registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.web });
const env = {
	LATCHKEY_VAULT: place.vault, LATCHKEY_KEY: place.key, API: `https://localhost:${api.port}/`, ISSUER: lk.issuer,
	CLIENT_ID: lk.web.client_id, CLIENT_SECRET_FILE: registered.client_secret_file, REDIRECT_URI: lk.web.redirect_uri, CA_FILE: lk.findCa(), SCOPE: lk.web.scope,
	PATH: `${BUILD}:${process.env.PATH}`, CURL_CA_BUNDLE: lk.findCa(), XDG_RUNTIME_DIR: place.dir,
};
const example = (name) => path.join(BUILD, 'examples', name);
const cgi = async (user, target, query = '') => {
	const text = await must(example('webapp'), [], { env: { ...env, REMOTE_USER: user, PATH_INFO: target, QUERY_STRING: query } });
	const [head, body] = text.split('\r\n\r\n');
	return { status: /^Status: (\d+)/.exec(head)?.[1] ?? '200', location: /^Location: (.*)$/m.exec(head)?.[1]?.trim(), body };
};

test('the examples are as short as they are said to be, and each tells its difference from the first', () => {
	for (const [name, most] of [['webapp.c', 40], ['daemon.c', 25], ['job.sh', 25]]) {
		const text = fs.readFileSync(path.join(ROOT, 'examples', name), 'utf8');
		const lines = text.trimEnd().split('\n');
		assert.ok(lines.length <= most, `${name} has ${lines.length} lines, not ${most} at most`);
		for (const line of lines)
			assert.ok(line.replace(/\t/g, ' '.repeat(8)).length <= 100, `${name} is wide, not short: ${line}`);
		const head = lines.slice(0, 6).join(' ').replace(/[\s#*]+/g, ' ');
		assert.match(head, name === 'webapp.c' ? /the first example/ : /difference from webapp\.c: /, name);
	}
});

test('examples/webapp.c connects whom it knows, and calls for them', async () => {
	assert.deepEqual(await cgi('ada', '/'), { status: '303', location: '/connect', body: '' });
	const sent = await cgi('ada', '/connect');
	assert.equal(sent.status, '303');
	const query = await consenting(lk, lk.ana)(sent.location);
	const forged = await cgi('eve', '/callback', query);
	assert.equal(forged.status, '503');
	assert.match(forged.body, /another browser/);
	const again = await consenting(lk, lk.ana)((await cgi('ada', '/connect')).location);
	assert.deepEqual(await cgi('ada', '/callback', again), { status: '303', location: '/', body: '' });
	assert.equal((await cgi('ada', '/')).body, 'exports of true\n');
	assert.equal((await cgi('eve', '/')).location, '/connect');
});

test('examples/daemon.c and examples/job.sh call for a connection that somebody has made', async () => {
	const driver = new Driver(place);
	await driver.opened;
	await connect(driver, 'acme', registered, consenting(lk, lk.ana));
	const daemon = spawn(example('daemon'), [env.API], { env: { ...process.env, ...env } });
	const line = await new Promise((resolve) => { daemon.stdout.once('data', (b) => resolve(b.toString())); });
	assert.equal(line, '200\n');
	daemon.kill();
	if ((await run(BINARY, ['token', '--help'])).status === 0)
		assert.equal(await must(path.join(ROOT, 'examples/job.sh'), [], { env }), 'exports of true\n'.repeat(3));
	await driver.ok({ do: 'disconnect', name: 'acme' });
	const gone = await run(example('daemon'), [env.API], { env });
	assert.equal(gone.status, 1);
	assert.match(gone.stderr, /there is no connection "acme"/);
	await driver.end();
});
