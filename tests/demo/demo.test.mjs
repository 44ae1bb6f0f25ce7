// SPDX-License-Identifier: Apache-2.0
//
// latchkey demo: the script, what can be in its way, and the whole story clicked
// through in a real Chromium, on a desktop and on a phone.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { Chrome, DESKTOP, PHONE } from '../lib/chrome.mjs';
import { BINARY, freePort, run, sleep, SLOW } from '../lib/latchkey.mjs';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-test-demo-'));
after(() => fs.rmSync(scratch, { recursive: true, force: true }));

// Fresh directories are made below here, so that a test sees what is left of them.
const below = (name) => {
	const dir = path.join(scratch, name);
	fs.mkdirSync(dir);
	return { dir, env: { XDG_RUNTIME_DIR: dir, NO_COLOR: '1' } };
};
const steps = (text) => [...text.matchAll(/^ *\d+ {2}(PASS|FAIL) {2}(.*)$/gm)].map((m) => [m[1], m[2]]);

// A demo that runs until it is told to stop.
class Demo {
	static async start(args, env) {
		const demo = new Demo();
		demo.output = '';
		demo.child = spawn(BINARY, ['demo', ...args], { env: { ...process.env, ...env } });
		demo.ended = new Promise((resolve) => demo.child.on('close', (status, signal) => resolve({ status, signal })));
		for (const stream of [demo.child.stdout, demo.child.stderr])
			stream.on('data', (b) => { demo.output += b; });
		for (let i = 0; i < 400 * SLOW && !demo.output.includes('Ctrl-C'); i++)
			await sleep(50);
		const read = (re) => re.exec(demo.output)?.[1] ?? assert.fail(`no ${re} in\n${demo.output}`);
		demo.app = read(/^Open this in a browser: +(\S+)/m);
		demo.username = read(/^Sign in .* as: +(\S+)/m);
		demo.password = read(/password +(\S+)$/m);
		demo.issuer = read(/^The authorisation server +(\S+)$/m);
		demo.ca = read(/--cacert (\S+)/);
		return demo;
	}

	findCa() {
		return this.ca;
	}

	stop(signal = 'SIGINT') {
		this.child.kill(signal);
		return this.ended;
	}
}

test('--script walks the whole story, and leaves nothing behind', async () => {
	const { dir, env } = below('script');
	const { status, stdout, stderr } = await run(BINARY, ['demo', '--script'], { env });
	assert.equal(status, 0, stdout + stderr);
	assert.equal(stderr, '');
	const told = steps(stdout);
	assert.deepEqual(told.filter(([verdict]) => verdict !== 'PASS'), []);
	for (const title of ['You sign in at Acme Spend', 'The app exchanges the code for tokens',
		'The app refreshes: two new tokens, and the old ones are dead',
		'An answer gets lost, and the app asks again',
		'A refresh token is used a second time: everything is dead',
		'You disconnect the app at Acme Spend', "Acme Spend no longer honours the app's tokens",
		'The app gives its tokens back'])
		assert.ok(told.some(([, t]) => t === title), `tells: ${title}\n${stdout}`);
	assert.match(stdout, new RegExp(`^${told.length} steps, 0 failed$`, 'm'));
	assert.doesNotMatch(stdout, /lk_(at|rt|ac|cs)_[\w-]{20}/);
	assert.deepEqual(fs.readdirSync(dir), []);
});

test('--script says FAIL and exits 1 when the server does otherwise', async () => {
	const dir = path.join(scratch, 'strict');
	const { env } = below('strict-run');
	assert.equal((await run(BINARY, ['demo', '--script', '--dir', dir], { env })).status, 0);
	// Without a retry window the second answer is a replay.
	fs.appendFileSync(path.join(dir, 'latchkey.conf'), 'retry_window = 0\n');
	const { status, stdout } = await run(BINARY, ['demo', '--script', '--dir', dir], { env });
	assert.equal(status, 1);
	assert.ok(steps(stdout).some(([v, t]) => v === 'FAIL' && t === 'An answer gets lost, and the app asks again'), stdout);
	assert.match(stdout, /; the rest was not tried$/m);
});

test('two scripts side by side do not meet', async () => {
	const { env } = below('pair');
	const both = await Promise.all([1, 2].map(() => run(BINARY, ['demo', '--script'], { env })));
	assert.deepEqual(both.map((r) => r.status), [0, 0]);
});

test('what is in the way is said in a sentence, with exit status 1', async () => {
	const { dir, env } = below('way');
	const taken = net.createServer();
	await new Promise((resolve) => taken.listen(0, '127.0.0.1', resolve));
	const { port } = taken.address();
	const full = path.join(scratch, 'full');
	fs.mkdirSync(full);
	fs.writeFileSync(path.join(full, 'something'), 'of value');
	for (const [args, sentence] of [
		[['--port', port], `port ${port} is taken by another program; choose another with --port`],
		[['--app-port', port], `port ${port} is taken by another program; choose another with --app-port`],
		[['--api-port', port], `port ${port} is taken by another program; choose another with --api-port`],
		[['--dir', full], `${full} exists and is not empty; nothing was changed`],
		[['--dir', '/proc/none/there'], '/proc/none/there'],
	]) {
		const { status, stdout, stderr } = await run(BINARY, ['demo', '--script', ...args.map(String)], { env });
		assert.equal(status, 1, stderr);
		assert.equal(stdout, '');
		assert.match(stderr, /^latchkey demo: .+\n$/);
		assert.ok(stderr.includes(sentence), stderr);
	}
	taken.close();
	assert.deepEqual(fs.readdirSync(full), ['something']);
	assert.deepEqual(fs.readdirSync(dir), []);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'])
	test(`${signal} ends it and its server`, async () => {
		const { dir, env } = below(signal);
		const ports = await Promise.all([freePort(), freePort(), freePort()]);
		const demo = await Demo.start(['--port', ports[0], '--app-port', ports[1], '--api-port', ports[2]].map(String), env);
		assert.equal(demo.issuer, `https://localhost:${ports[0]}`);
		const ended = await demo.stop(signal);
		assert.deepEqual(ended, signal === 'SIGKILL' ? { status: null, signal } : { status: 0, signal: null }, demo.output);
		if (signal !== 'SIGKILL')
			assert.deepEqual(fs.readdirSync(dir), []);
		let answers = true;
		for (let i = 0; i < 100 * SLOW && answers; i++) {
			await sleep(50);
			answers = await new Promise((resolve) => {
				const socket = net.connect(ports[0], '127.0.0.1', () => socket.destroy(resolve(true)));
				socket.on('error', () => resolve(false));
			});
		}
		assert.equal(answers, false, 'the server is still there');
	});

// ---- in a browser ---------------------------------------------------------------

const free = ['--port', '0', '--app-port', '0', '--api-port', '0'];

for (const how of [{ size: DESKTOP, script: true }, { size: DESKTOP, dark: true }, { size: PHONE }, { size: PHONE, dark: true }])
	test(`the whole story at ${how.size.width} px${how.dark ? ' in the dark' : ''}`, async () => {
		const { env } = below(`walk-${how.size.width}-${how.dark}`);
		const demo = await Demo.start(free, env);
		const chrome = await Chrome.start(demo);
		try {
			await chrome.as(how, (person) => story(demo, person));
		} finally {
			await chrome.stop();
			assert.deepEqual(await demo.stop(), { status: 0, signal: null }, demo.output);
		}
	});

async function story(demo, person) {
	const page = await person.open(demo.app);
	const titles = () => page.locator('.steps > li > h2').allInnerTexts();
	const newest = () => page.locator('#newest');
	const coloured = () => page.locator('main .button.primary').innerText();
	const press = async (name) => {
		await page.getByRole('button', { name, exact: true }).click();
		await page.waitForLoadState();
	};
	const expect = async (title, verdict) => {
		assert.equal(await newest().locator('h2').innerText(), title);
		const note = newest().locator('.note');
		assert.match(await note.innerText(), verdict);
		assert.match(await note.getAttribute('class'), /\bgood\b/, await note.innerText());
		assert.equal(await newest().evaluate((e) => {
			const { top, bottom } = e.getBoundingClientRect();
			return bottom > 0 && top < window.innerHeight;
		}), true, 'the newest step is in view');
	};

	await person.look_at(page, 'demo-begin');
	await person.judge(page, 'demo-begin');
	assert.equal(await coloured(), 'Connect to Acme Spend');
	await press('Connect to Acme Spend');
	assert.ok(page.url().startsWith(demo.issuer), page.url());
	await person.signIn(page, demo);
	assert.equal(await page.locator('h1').innerText(), 'Connect Ledger Sync to Acme Spend?');
	await person.look_at(page, 'demo-consent');
	await page.getByLabel('Fairweather UK').check();
	await page.getByRole('button', { name: 'Approve' }).click();
	await page.waitForURL(`${demo.app}/#newest`);
	await expect('The app exchanges the code for tokens', /The app is connected/);
	assert.deepEqual((await titles()).length, 3);
	await person.look_at(page, 'demo-connected');

	assert.equal(await coloured(), 'Call the API');
	await press('Call the API');
	await expect('The app calls the API with its access token', /answered with your export jobs/);
	assert.match(await newest().innerText(), /urn:acme:entity:1042-uk/);

	assert.equal(await coloured(), 'Refresh');
	await press('Refresh');
	await expect('The app refreshes: two new tokens, and the old ones are dead', /401 to the old access token and 200 to the new one/);

	assert.equal(await coloured(), 'Lose an answer and retry');
	await press('Lose an answer and retry');
	await expect('An answer gets lost, and the app asks again', /the very same tokens/);

	assert.equal(await coloured(), 'Replay the old refresh token');
	await press('Replay the old refresh token');
	await expect('A refresh token is used a second time: everything is dead', /invalid_grant/);
	await person.look_at(page, 'demo-replayed');
	assert.match(await newest().innerText(), /lk_rt_\S{6}\.\.\.\S{4} \(\d+ characters\)/);
	assert.doesNotMatch(await page.content(), /lk_(at|rt|ac|cs)_[\w-]{20}/);

	assert.equal(await coloured(), 'Connect to Acme Spend');
	await press('Connect to Acme Spend');
	await page.getByRole('button', { name: 'Approve' }).click();
	await page.waitForURL(`${demo.app}/#newest`);
	await expect('The app exchanges the code for tokens', /The app is connected/);

	assert.equal(await coloured(), 'Your connected apps at Acme Spend');
	const account = await person.tab();
	await account.goto(await page.getByRole('link', { name: 'Your connected apps at Acme Spend' }).getAttribute('href'));
	assert.match(await account.locator('main').innerText(), /a used key was presented again/);
	await person.look_at(account, 'demo-account');
	await account.getByRole('button', { name: /^Disconnect/ }).click();
	assert.match(await account.locator('main').innerText(), /No app is connected/);
	await account.close();

	await press('Call the API');
	await expect("Acme Spend no longer honours the app's tokens", /only you can connect it again/);
	await person.look_at(page, 'demo-whole');
	await person.judge(page, 'demo-whole');
	await press('Start over');
	assert.equal(await coloured(), 'Connect to Acme Spend');
	assert.deepEqual(await titles(), []);
}

test('a denied consent is told, and gives nothing; a forged answer does nothing', async () => {
	const { env } = below('deny');
	const demo = await Demo.start(free, env);
	const chrome = await Chrome.start(demo);
	try {
		await chrome.as({}, async (person) => {
			const page = await person.open(demo.app);
			await page.getByRole('button', { name: 'Connect to Acme Spend' }).click();
			await person.signIn(page, demo);
			await page.getByRole('button', { name: 'Deny' }).click();
			await page.waitForURL(`${demo.app}/#newest`);
			assert.equal(await page.locator('#newest h2').innerText(), 'You said no');
			assert.match(await page.locator('#newest .note').innerText(), /access_denied/);
			await page.goto(`${demo.app}/callback?code=stolen&state=guessed&iss=${encodeURIComponent(demo.issuer)}`);
			assert.match(await page.locator('#newest .note').innerText(), /Nothing was done/);
			assert.equal(await page.getByRole('button', { name: 'Call the API' }).count(), 0);
			await person.look_at(page, 'demo-forged');
		});
	} finally {
		await chrome.stop();
		await demo.stop();
	}
});
