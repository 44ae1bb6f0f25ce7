// SPDX-License-Identifier: Apache-2.0
//
// A password asked for at a real terminal: not echoed, and whatever ends the asking, the
// terminal echoes again.

import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';

import { BINARY, Latchkey, run } from '../lib/latchkey.mjs';

const lk = new Latchkey();
await lk.init();
after(() => lk.remove());

async function type(keys, username) {
	const script = path.join(import.meta.dirname, 'terminal.py');
	const { stdout, stderr } = await run('python3', [script, JSON.stringify(keys), BINARY, 'user', 'add',
		'--dir', lk.data, '--username', username, '--name', 'At the terminal'], { timeoutMs: 90000 });
	return JSON.parse(stdout || JSON.stringify({ stderr }));
}

test('a password is asked for twice and never echoed', async () => {
	const told = await type([['Password', 'a long enough secret\n'], ['The same again', 'a long enough secret\n']], 'typed');
	assert.deepEqual([told.status, told.signal, told.echoes], [0, null, true], JSON.stringify(told));
	assert.doesNotMatch(told.shown, /secret/);
	assert.equal((await lk.json('user', 'show', 'typed')).username, 'typed');
});

test('two that differ are refused', async () => {
	const told = await type([['Password', 'a long enough secret\n'], ['The same again', 'another long secret\n']], 'differ');
	assert.ok(told.status > 0 && told.echoes, JSON.stringify(told));
	assert.match(told.shown, /differ/);
});

for (const [name, key, signal] of [['Ctrl-C', '\x03', 'SIGINT'], ['Ctrl-\\', '\x1c', 'SIGQUIT'], ['SIGTERM', 'SIGTERM', 'SIGTERM'], ['SIGHUP', 'SIGHUP', 'SIGHUP']])
	test(`${name} at the prompt ends the command, and the terminal echoes again`, async () => {
		const told = await type([['Password', key.startsWith('SIG') ? key : `half a pass${key}`]], 'nobody');
		assert.deepEqual([told.status, told.signal, told.echoes], [null, signal, true], JSON.stringify(told));
		assert.ok((await lk.command('user', 'show', 'nobody')).status > 0);
	});
