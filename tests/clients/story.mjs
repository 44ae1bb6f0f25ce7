// SPDX-License-Identifier: Apache-2.0
//
// The whole life of an authorisation, as a client library lives it. The client
// is a program of its own (clients/*), started with what an integrator is given
// and nothing else; it trusts the development CA and checks certificates as it
// does in production. The person's part is played here.
//
// They talk by lines. The program says one of
//   visit URL          send the person there; the answer is where they came back to
//   tokens JSON        the token response, with what the callback said `iss` was
//   refreshed JSON     the token response of a refresh
//   refused REASON     the library would not take a callback with a wrong `iss`
//   revoked            the refresh token was revoked
// and goes on when it is told to; what it claims is checked at the server first.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));

class Program {
	constructor(lk, command, client, extra = {}) {
		const [name, ...rest] = command;
		this.child = spawn(name, rest.map((a) => (/\.(mjs|py|sh)$/.test(a) ? path.join(HERE, a) : a)), {
			env: {
				PATH: process.env.PATH,
				ISSUER: lk.issuer,
				CLIENT_ID: client.client_id,
				CLIENT_SECRET: client.client_secret ?? '',
				REDIRECT_URI: client.redirect_uri,
				SCOPE: client.scope,
				CA_FILE: lk.findCa(),
				NODE_EXTRA_CA_CERTS: lk.findCa(),
				...extra,
			},
			stdio: ['pipe', 'pipe', 'pipe'],
		});
		this.complaints = '';
		this.child.stderr.on('data', (b) => { this.complaints += b; });
		this.child.stdin.on('error', () => {});
		this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
		this.exit = new Promise((resolve) => {
			this.child.once('close', resolve);
			this.child.once('error', (error) => {
				this.complaints += error.message;
				resolve(-1);
			});
		});
		this.timer = setTimeout(() => this.child.kill('SIGKILL'), 60000);
	}

	async hear(...words) {
		const { value: line, done } = await this.lines.next();
		if (done) {
			const status = await this.exit;
			assert.fail(`the client ended (status ${status}) before it said ${words.join(' or ')}:\n${this.complaints}`);
		}
		const [word, ...rest] = line.split(' ');
		assert.ok(words.includes(word), `the client said "${line}" instead of ${words.join(' or ')}\n${this.complaints}`);
		return { word, text: rest.join(' ') };
	}

	say(line) {
		this.child.stdin.write(`${line}\n`);
	}

	async finish() {
		const status = await this.exit;
		clearTimeout(this.timer);
		assert.equal(status, 0, this.complaints);
	}

	end() {
		clearTimeout(this.timer);
		this.child.kill('SIGKILL');
	}
}

// Where the person is after signing in and consenting: the client's redirect URI.
async function visit(lk, url, person) {
	assert.ok(url.startsWith(`${lk.issuer}/oauth/authorize?`), url);
	const browser = await lk.as(person);
	const answer = await browser.walk(await browser.get(lk.local(url)), { user: person });
	const callback = answer.get('location');
	assert.ok(callback, `no way back to the client in\n${answer}`);
	assert.match(callback, /[?&]code=lk_ac_/);
	lk.secret(new URL(callback).searchParams.get('code'));
	return callback;
}

function checkTokens(lk, tokens, client) {
	assert.match(tokens.access_token, /^lk_at_/);
	assert.match(tokens.refresh_token, /^lk_rt_/);
	assert.equal(tokens.token_type.toLowerCase(), 'bearer');
	assert.deepEqual(tokens.scope.split(' ').sort(), client.scope.split(' ').sort());
	lk.secret(tokens.access_token);
	lk.secret(tokens.refresh_token);
}

// guardsIss: the library itself refuses a callback whose `iss` is not the
// server's (RFC 9207); of the others the program must at least see it.
export async function story(lk, { command, client, guardsIss = false, env }) {
	const program = new Program(lk, command, client, env);
	try {
		const { text: url } = await program.hear('visit');
		program.say(await visit(lk, url, lk.ana));
		if (guardsIss) {
			assert.match((await program.hear('refused')).text, /iss/);
			program.say('go');
		}
		const first = JSON.parse((await program.hear('tokens')).text);
		checkTokens(lk, first, client);
		assert.equal(first.iss, lk.issuer, 'AR-03: the callback carries iss');
		assert.equal(await lk.active(first.access_token), true);
		program.say('go');

		const second = JSON.parse((await program.hear('refreshed')).text);
		checkTokens(lk, second, client);
		assert.notEqual(second.access_token, first.access_token);
		assert.notEqual(second.refresh_token, first.refresh_token);
		assert.equal(await lk.active(first.access_token), false, 'TR-04: the old access token is dead');
		assert.equal(await lk.active(second.access_token), true);
		program.say('go');

		await program.hear('revoked');
		assert.equal(await lk.active(second.access_token), false, 'RV-04: the whole authorisation is dead');
		const after = await lk.refresh(client, second.refresh_token);
		assert.deepEqual([after.status, after.json.error], [400, 'invalid_grant']);
		program.say('go');
		await program.finish();
	} finally {
		program.end();
	}
}
