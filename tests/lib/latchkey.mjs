// SPDX-License-Identifier: Apache-2.0
//
// The real binary, in a directory of its own, as a stranger would meet it: made
// and changed by its command line, spoken to over TLS, stopped by SIGTERM.
//
//   LATCHKEY          the binary (default: build/latchkey of this tree)
//   LATCHKEY_KEEP=1   leaves the directory behind
//   LATCHKEY_SLOW=N   the binary is that many times slower (sanitizers)
//   LATCHKEY_TEST_DATABASE  keeps everything in that PostgreSQL (postgres.mjs)

import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Browser, read } from './browser.mjs';
import { Connection, Pool, requestBytes } from './http.mjs';
import { basic, form, pkce } from './form.mjs';
import { watch } from './leftovers.mjs';
import { Ledger } from './ledger.mjs';
import { Pace } from './pace.mjs';
import { Cluster, freshSchema, onPostgres, sql } from './postgres.mjs';

export { Answer, Connection, requestBytes, strictJson } from './http.mjs';
export { Browser, read } from './browser.mjs';
export { basic, decode, encode, fill, form, forms, parseForm, pkce, tags, unescapeHtml } from './form.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BINARY = path.resolve(process.env.LATCHKEY ?? path.join(ROOT, 'build/latchkey'));

export const SLOW = Number(process.env.LATCHKEY_SLOW ?? 1);
export const random = (bytes = 12) => randomBytes(bytes).toString('base64url');
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// An address of the loopback net for each file and, on request, each test: the
// server's limits by address are part of what is tested, not of how.
export const address = () => `127.${randomInt(1, 250)}.${randomInt(1, 250)}.${randomInt(2, 250)}`;

export async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

// Runs a command to its end: {status, stdout, stderr}.
export function run(command, args, { input = '', env = {}, timeoutMs = 60000, cwd } = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, { env: { ...process.env, ...env }, cwd });
		let stdout = '';
		let stderr = '';
		const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs * SLOW);
		child.stdout.on('data', (b) => { stdout += b; });
		child.stderr.on('data', (b) => { stderr += b; });
		child.on('error', reject);
		child.on('close', (status, signal) => {
			clearTimeout(timer);
			resolve({ status, signal, stdout, stderr });
		});
		child.stdin.on('error', () => {});
		child.stdin.end(input);
	});
}

function findFaketime() {
	const names = ['libfaketimeMT.so.1', 'libfaketime.so.1'];
	const dirs = ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime', '/usr/lib/faketime'];
	for (const dir of dirs)
		for (const name of names)
			if (fs.existsSync(path.join(dir, name)))
				return path.join(dir, name);
	throw new Error('libfaketime is not installed (Debian: libfaketime)');
}

// AddressSanitizer's runtime has to be the first library, before libfaketime;
// ThreadSanitizer's must not be named at all.
export async function sanitizerRuntime() {
	const { stdout } = await run('ldd', [BINARY]);
	return [...stdout.matchAll(/=> (\S*libasan\S*)/g)].map((m) => m[1]);
}

async function withFaketime(says) {
	return {
		LD_PRELOAD: [...(await sanitizerRuntime()), findFaketime()].join(' '),
		...says,
		FAKETIME_DONT_FAKE_MONOTONIC: '1',
		DONT_FAKE_MONOTONIC: '1',
	};
}

// The environment in which a program's wall clock is what the file says ("+3600").
export const faketime = (file) => withFaketime({ FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' });

// ... in which it is off by so much ("-120") for all its life.
export const faketimeOff = (by) => withFaketime({ FAKETIME: by });

export class Latchkey {
	// time: true lets the test move the server's clock (advance). conf: keys of
	// latchkey.conf. serve: further arguments of `latchkey serve`. at: where it listens,
	// for a test that puts something between it and its clients.
	static async start(options = {}) {
		const lk = new Latchkey(options);
		await lk.init();
		await options.prepare?.(lk);
		await lk.serve();
		return lk;
	}

	// database: a URL of the test's own.
	constructor({ conf = {}, serve = [], time = false, env = {}, issuerPath = '', at = '127.0.0.1', dir, database } = {}) {
		Object.assign(this, { conf, serveArgs: serve, time, env, issuerPath, at, database });
		this.dir = dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-test-'));
		this.data = path.join(this.dir, 'data');
		this.log = '';
		this.from = address();
		this.ledger = new Ledger(this);
		this.pool = new Pool((from) => this.connect({ from }));
		this.browsers = new Map();
		this.offset = 0;
	}

	async init() {
		this.port = await freePort();
		this.adminPort = await freePort();
		this.issuer = `https://localhost:${this.port}${this.issuerPath}`;
		if (this.time) {
			this.clockFile = path.join(this.dir, 'clock');
			fs.writeFileSync(this.clockFile, '+0\n');
			fs.chmodSync(this.dir, 0o755);
			this.env = { ...this.env, ...await faketime(this.clockFile) };
		}
		if (onPostgres && !this.database)
			await this.makeDatabase();
		await this.must('init', '--dir', this.data, '--issuer', this.issuer, '--development',
			...(this.database ? ['--database', this.database] : []));
		this.ca = fs.readFileSync(this.findCa());
		this.configure({ health_listen: `127.0.0.1:${this.adminPort}`, ...this.conf });
	}

	// A schema of its own; where the clock is moved a cluster, because expiry is
	// decided by the database's clock.
	async makeDatabase() {
		if (this.time) {
			this.cluster = await Cluster.start({ env: this.env });
			this.database = this.cluster.url;
			return;
		}
		this.schema = await freshSchema();
		this.database = this.schema.url;
	}

	// Adds keys to latchkey.conf.
	configure(keys) {
		const lines = Object.entries(keys).flatMap(([k, v]) =>
			(Array.isArray(v) ? v : [v]).map((one) => `${k} = ${one}\n`));
		if (lines.length)
			fs.appendFileSync(path.join(this.data, 'latchkey.conf'), lines.join(''));
	}

	findCa() {
		return path.join(this.data, 'dev-ca.pem');
	}

	// ---- the command line ----------------------------------------------------

	cli(...args) {
		const options = typeof args.at(-1) === 'object' ? args.pop() : {};
		return run(BINARY, args, { ...options, env: { ...this.env, ...options.env } });
	}

	async must(...args) {
		const result = await this.cli(...args);
		if (result.status !== 0)
			throw new Error(`latchkey ${args.filter((a) => typeof a === 'string').join(' ')}: exit ${result.status ?? result.signal}\n${result.stderr}${result.stdout}`);
		return result;
	}

	// A command about this server's data: args, then --dir.
	command(...args) {
		const options = typeof args.at(-1) === 'object' ? [args.pop()] : [];
		return this.cli(...args, '--dir', this.data, ...options);
	}

	async change(...args) {
		const options = typeof args.at(-1) === 'object' ? [args.pop()] : [];
		return this.must(...args, '--dir', this.data, ...options);
	}

	async json(...args) {
		const { stdout } = await this.change(...args, '--json');
		return JSON.parse(stdout);
	}

	async scope(name, describe) {
		await this.change('scope', 'add', name, '--describe', describe);
	}

	async user({ username, name, password = random(), companies = [], entities = [] }) {
		await this.change('user', 'add', '--username', username, '--name', name ?? username,
			...companies.flatMap((c) => ['--company', c]), ...entities.flatMap((e) => ['--entity', e]),
			'--password-stdin', { input: `${password}\n` });
		this.secret(password);
		return { username, name: name ?? username, password, companies };
	}

	// options: {flag: value | [values] | true}; the flag's name is the key.
	async client(name, options) {
		const flags = Object.entries(options).flatMap(([flag, value]) =>
			[value].flat().flatMap((v) => (v === true ? [`--${flag}`] : [`--${flag}`, v])));
		const made = await this.json('client', 'add', '--name', name, ...flags);
		this.secret(made.client_secret);
		return {
			...made,
			name,
			redirect_uri: [options['redirect-uri'] ?? []].flat()[0],
			scope: [options.scope ?? []].flat().join(' '),
		};
	}

	async resource(name, options = {}) {
		const flags = Object.entries(options).flatMap(([f, v]) => [`--${f}`, v]);
		const made = await this.json('resource', 'add', '--name', name, ...flags);
		this.secret(made.client_secret);
		return made;
	}

	// ---- the process -----------------------------------------------------------

	async serve() {
		this.child = spawn(BINARY, [
			'serve', '--dir', this.data, '--listen', `${this.at}:${this.port}`, ...this.serveArgs,
		], { env: { ...process.env, ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
		watch(this.child);
		this.exit = new Promise((resolve) => {
			this.child.once('exit', (status, signal) => resolve({ status, signal }));
		});
		this.exit.then((e) => { this.exited = e; });
		this.exited = undefined;
		const before = this.log.length;
		for (const stream of [this.child.stdout, this.child.stderr])
			stream.on('data', (b) => { this.log += b; });
		await this.ready(before);
	}

	// It answers, and has said so, unless its log is for worse: not all is there before it
	// does (a successor's socket, the watch over its files). before: where in the log.
	async ready(before) {
		const started = Date.now();
		const silent = ['warning', 'error'].includes(this.conf.log_level);
		for (;;) {
			if (this.exited)
				throw new Error(`the server ended (${JSON.stringify(this.exited)}):\n${this.log}`);
			try {
				(await this.connect()).close();
				if (!silent && !this.log.includes('"event":"started"', before))
					throw new Error('not said that it started');
				return Date.now() - started;
			} catch (error) {
				if (Date.now() - started > 60000 * SLOW)
					throw new Error(`not ready within ${60 * SLOW} s (${error.message}):\n${this.log}`);
				await sleep(20);
			}
		}
	}

	// A server that has to be killed after SIGTERM is a defect of its own.
	async stop(signal = 'SIGTERM') {
		this.pool.close();
		if (this.child && !this.exited) {
			this.child.kill(signal);
			const timer = setTimeout(() => {
				this.child.kill('SIGABRT');
				this.log += '{"event":"fault","what":"SIGTERM did not stop it within 20 s"}\n';
			}, 20000 * SLOW);
			await this.exit;
			clearTimeout(timer);
			if (this.exited.signal === 'SIGABRT' || (signal === 'SIGTERM' && this.exited.status !== 0))
				throw new Error(`did not stop: ${JSON.stringify(this.exited)}\n${this.log.slice(-2000)}`);
		}
		return this.exited;
	}

	async remove() {
		try {
			await this.stop();
		} finally {
			this.child?.kill('SIGKILL');
			await this.exit;
			await this.schema?.drop();
			await this.cluster?.remove();
		}
		if (!process.env.LATCHKEY_KEEP)
			fs.rmSync(this.dir, { recursive: true, force: true });
	}

	// The log as its objects; a line that is not one JSON object is a defect.
	events(name) {
		return this.log.split('\n').filter(Boolean)
			.map((line) => JSON.parse(line))
			.filter((e) => name === undefined || e.event === name);
	}

	// Waits until check() is true; changes take a second at most, the rest is room
	// for a machine that is busy with other tests. waited: how long it took.
	async eventually(what, check, timeoutMs = 5000 * SLOW) {
		const pace = new Pace();
		for (;;) {
			const value = await check();
			this.waited = pace.took;
			if (value)
				return value;
			if (this.waited > timeoutMs)
				throw new Error(`${what}: not within ${timeoutMs} ms, on a machine ${pace.slower.toFixed(1)} times slower`);
			await pace.step();
		}
	}

	// GET over plain HTTP from the loopback listener for /healthz and /metrics.
	async health(target) {
		const c = await Connection.open({ port: this.adminPort, plain: true });
		await c.send(requestBytes({ target, host: `127.0.0.1:${this.adminPort}` }));
		const answer = await c.read({ method: 'GET', target });
		c.close();
		return answer;
	}

	// Moves the server's wall clock forward, for good; needs {time: true}. At that of a
	// database it has to be made to look: requests of `send` wait for it, others await this.
	advance(seconds) {
		this.offset += seconds;
		const fresh = `${this.clockFile}.new`;
		fs.writeFileSync(fresh, `+${this.offset}\n`);
		fs.renameSync(fresh, this.clockFile);
		this.clockSeen = this.cluster ? sql(this.database, 'NOTIFY latchkey').then(() => sleep(300)) : undefined;
		return this.clockSeen;
	}

	now() {
		return Math.floor(Date.now() / 1000) + this.offset;
	}

	// ---- requests --------------------------------------------------------------

	connect(options = {}) {
		return Connection.open({ host: this.at, port: this.port, ca: this.ca, from: this.from, ...options });
	}

	get host() {
		return `localhost:${this.port}`;
	}

	isOwn(uri) {
		return uri.startsWith('/') || uri === this.issuer || uri.startsWith(`https://${this.host}/`);
	}

	// A target of this server from a link of its own.
	local(uri, base = '/') {
		const url = new URL(uri, `https://${this.host}${base}`);
		if (url.host !== this.host)
			throw new Error(`a link that leaves the server: ${uri}`);
		return url.pathname + url.search;
	}

	// A value that no log may ever show (H-18).
	secret(value, { hidden = false } = {}) {
		this.ledger.secret(value, hidden);
		return value;
	}

	async send(request) {
		const from = request.from ?? this.from;
		await this.clockSeen;
		const c = await this.pool.take(from);
		await c.send(requestBytes({ host: this.host, ...request }));
		const answer = await c.read(request);
		if (answer === null)
			throw new Error(`closed without an answer to ${request.method ?? 'GET'} ${request.target}`);
		if (/close/i.test(answer.get('connection') ?? ''))
			c.close();
		else
			this.pool.give(from, c);
		this.ledger.note(answer);
		return answer;
	}

	get(target, headers = [], more = {}) {
		return this.send({ target, headers, ...more });
	}

	// A form post to an endpoint, without identification.
	post(target, params, headers = [], more = {}) {
		return this.send({
			method: 'POST',
			target,
			headers: [['Content-Type', 'application/x-www-form-urlencoded'], ...headers],
			body: form(params),
			...more,
		});
	}

	// A form post as a client: Basic when it has a secret, else its client_id.
	async postAs(client, target, params, { headers = [], ...more } = {}) {
		const answer = client.client_secret
			? await this.post(target, params, [['Authorization', basic(client.client_id, client.client_secret)], ...headers], more)
			: await this.post(target, { client_id: client.client_id, ...params }, headers, more);
		if (answer.status === 200 && answer.isJson) {
			const body = answer.json;
			this.secret(body.access_token);
			this.secret(body.refresh_token);
		}
		return answer;
	}

	token(client, params, more) {
		return this.postAs(client, '/oauth/token', params, more);
	}

	// Redeems a code: `granted` is what authorize answered.
	exchange(client, granted, change = {}, more) {
		return this.token(client, {
			grant_type: 'authorization_code',
			code: granted.code,
			redirect_uri: granted.request.params.redirect_uri,
			code_verifier: granted.verifier,
			...change,
		}, more);
	}

	refresh(client, refreshToken, change = {}, more) {
		return this.token(client, { grant_type: 'refresh_token', refresh_token: refreshToken, ...change }, more);
	}

	revoke(client, token, change = {}, more) {
		return this.postAs(client, '/oauth/revoke', { token, ...change }, more);
	}

	introspect(token, change = {}, more = {}) {
		return this.postAs(more.as ?? this.api, '/oauth/introspect', { token, ...change }, more);
	}

	async active(token) {
		return (await this.introspect(token)).json.active;
	}

	// ---- authorisation ---------------------------------------------------------

	browser(options = {}) {
		return new Browser(this, { from: address(), ...options });
	}

	// A browser in which `user` has signed in; one a user.
	async as(user) {
		if (!this.browsers.has(user.username)) {
			const browser = this.browser();
			await browser.signIn(user);
			this.browsers.set(user.username, browser);
		}
		return this.browsers.get(user.username);
	}

	// A complete, correct request by that client; `change` replaces parameters.
	request(client, change = {}) {
		const { verifier, challenge } = pkce();
		this.secret(verifier);
		const params = {
			response_type: 'code',
			client_id: client.client_id,
			redirect_uri: client.redirect_uri,
			scope: client.scope,
			state: random(18),
			code_challenge: challenge,
			code_challenge_method: 'S256',
			...change,
		};
		this.secret(params.state?.length === 24 ? params.state : undefined);
		return { params, verifier };
	}

	// The first answer to an authorisation request, in a browser that nobody has
	// signed in to. raw: appended to the query as it stands.
	async ask(client, change = {}, { raw = '', headers = [], method = 'GET', query = '', browser = this.browser() } = {}) {
		const request = this.request(client, change);
		const text = form(request.params) + raw;
		const answer = method === 'GET'
			? await browser.get(`/oauth/authorize?${text}`, headers)
			: await browser.post(`/oauth/authorize${query}`, text, headers);
		answer.browser = browser;
		return read(answer, request);
	}

	async authorize(client, change = {}, how = {}) {
		const user = how.user ?? this.ana;
		const browser = how.browser ?? await this.as(user);
		const request = how.request ?? this.request(client, change);
		const answer = await browser.authorize(request, { ...how, user });
		this.secret(answer.code);
		return answer;
	}

	// Authorises and redeems: the tokens, with the answers they came in.
	async grant(client, change = {}, how = {}) {
		const authorized = await this.authorize(client, change, how);
		if (!authorized.code)
			throw new Error(`no code in\n${authorized}`);
		const answer = await this.exchange(client, authorized);
		if (answer.status !== 200)
			throw new Error(`no tokens in\n${answer}`);
		return { ...answer.json, answer, authorized };
	}
}
