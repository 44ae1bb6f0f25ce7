// SPDX-License-Identifier: Apache-2.0
//
// Real PostgreSQL for the tests: with LATCHKEY_TEST_DATABASE (tests/with-postgres)
// every server of a test has a schema of its own in that database; and clusters of
// a test's own, on loopback, which it may kill, freeze and promote.

import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { watch } from './leftovers.mjs';

export const onPostgres = Boolean(process.env.LATCHKEY_TEST_DATABASE);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function findBin() {
	const root = '/usr/lib/postgresql';
	const versions = fs.existsSync(root) ? fs.readdirSync(root) : [];
	for (const version of versions.sort((a, b) => Number(b) - Number(a)))
		if (fs.existsSync(path.join(root, version, 'bin/initdb')))
			return path.join(root, version, 'bin');
	throw new Error('PostgreSQL is not installed: scripts/deps test');
}

// PostgreSQL refuses to be root.
const isRoot = process.getuid() === 0;
const NOBODY = isRoot ? Number(execFileSync('id', ['-u', 'nobody']).toString()) : process.getuid();
const NOGROUP = isRoot ? Number(execFileSync('id', ['-g', 'nobody']).toString()) : process.getgid();
const asNobody = isRoot ? { uid: NOBODY, gid: NOGROUP } : {};

function tool(name, args, options = {}) {
	return execFileSync(path.join(findBin(), name), args,
		{ stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', ...asNobody, ...options }).toString();
}

// The rows of a statement, each a list of strings; null when it did not go well.
export function sql(url, statement, { timeoutMs = 10000 } = {}) {
	return new Promise((resolve) => {
		const child = spawn(path.join(findBin(), 'psql'), ['-X', '-At', '-F', '\t', '-v',
			'ON_ERROR_STOP=1', '-c', statement, url],
		{ env: { ...process.env, PGCONNECT_TIMEOUT: '3', PGOPTIONS: '-c client_min_messages=error' } });
		let out = '';
		let err = '';
		const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
		child.stdout.on('data', (b) => { out += b; });
		child.stderr.on('data', (b) => { err += b; });
		child.on('close', (status) => {
			clearTimeout(timer);
			sql.error = err;
			resolve(status === 0 ? out.split('\n').filter(Boolean).map((l) => l.split('\t')) : null);
		});
	});
}

export async function mustSql(url, statement, options) {
	const rows = await sql(url, statement, options);
	if (rows === null)
		throw new Error(`${statement}: ${sql.error}`);
	return rows;
}

// A fresh schema in a database: {url, drop}.
export async function freshSchema(base = process.env.LATCHKEY_TEST_DATABASE) {
	const name = `lk_${randomBytes(6).toString('hex')}`;
	await mustSql(base, `CREATE SCHEMA ${name}`);
	const url = `${base}${base.includes('?') ? '&' : '?'}options=-csearch_path%3D${name}`;
	return { url, name, drop: () => sql(base, `DROP SCHEMA IF EXISTS ${name} CASCADE`) };
}

// What pg_dump writes of a schema, for psql.
export function dump(cluster, schema) {
	return tool('pg_dump', ['-n', schema, '--no-owner', cluster.url], { maxBuffer: 1 << 26 });
}

export function restoreDump(cluster, file) {
	tool('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', cluster.url],
		{ stdio: [fs.openSync(file), 'pipe', 'pipe'] });
}

async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

const running = new Set();
process.on('exit', () => {
	for (const child of running)
		child.kill('SIGQUIT'); // immediate shutdown
});

export class Cluster {
	// settings: of postgresql.conf. env: of the server, such as another clock. initdb: its
	// further arguments. layer: a library that stands before the C library.
	static async start({ settings = {}, env = {}, initdb = [], layer } = {}) {
		const c = new Cluster({ settings, env, layer, port: await freePort() });
		tool('initdb', ['-D', c.data, '-U', 'latchkey', '-A', 'trust', '-E', 'UTF8',
			'--locale=C.UTF-8', '--no-sync', ...initdb]);
		await c.run();
		return c;
	}

	constructor({ settings, env, layer, port }) {
		const root = process.env.LATCHKEY_TEST_ROOT ?? (fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir());
		Object.assign(this, { settings, env, layer, port });
		this.dir = fs.mkdtempSync(path.join(root, 'latchkey-pg-'));
		this.data = path.join(this.dir, 'data');
		fs.chmodSync(this.dir, 0o711);
		fs.chownSync(this.dir, NOBODY, NOGROUP);
		this.log = '';
		// A copy: who runs PostgreSQL may have no way to ours.
		if (layer)
			fs.copyFileSync(layer, path.join(this.dir, 'layer.so'));
	}

	get host() {
		return `127.0.0.1:${this.port}`;
	}

	get url() {
		return `postgresql://latchkey@${this.host}/postgres`;
	}

	async run() {
		const settings = {
			listen_addresses: '127.0.0.1', port: this.port, unix_socket_directories: '',
			shared_buffers: '32MB', max_connections: 60, ...this.settings,
		};
		this.child = spawn(path.join(findBin(), 'postgres'), ['-D', this.data,
			...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
		{ env: { ...process.env, ...this.env, ...(this.layer && { LD_PRELOAD: path.join(this.dir, 'layer.so') }) }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...asNobody });
		this.child.stdout.on('data', (b) => { this.log += b; });
		this.child.stderr.on('data', (b) => { this.log += b; });
		this.exit = new Promise((resolve) => this.child.once('exit', resolve));
		const { child } = this;
		running.add(child);
		watch(child, () => child.kill('SIGQUIT'));
		this.exit.then(() => {
			this.exited = true;
			running.delete(child);
		});
		this.exited = false;
		for (const end = Date.now() + 30000; Date.now() < end; await sleep(50)) {
			if (this.exited)
				throw new Error(`PostgreSQL ended:\n${this.log}`);
			if (await sql(this.url, 'SELECT 1') !== null)
				return;
		}
		throw new Error(`PostgreSQL is not ready:\n${this.log}`);
	}

	// A standby that follows this cluster, under that name.
	async standby(name, settings = {}, port = undefined) {
		const c = new Cluster({ settings: { ...this.settings, ...settings }, env: this.env, layer: this.layer, port: port ?? await freePort() });
		tool('pg_basebackup', ['-D', c.data, '-c', 'fast', '-R', '--no-sync',
			'-d', `postgresql://latchkey@${this.host}/postgres?application_name=${name}`]);
		await c.run();
		return c;
	}

	promote() {
		tool('pg_ctl', ['-D', this.data, 'promote', '-w', '-s']);
	}

	// With tests/crash/full.c as its layer no file of it grows any more.
	fill() {
		fs.writeFileSync(path.join(this.dir, 'full'), '');
	}

	// The log runs through the files it has: it ends itself, and cannot start again.
	async fillLog() {
		this.fill();
		await sql(this.url, "SELECT pg_create_restore_point('full'), pg_switch_wal() FROM generate_series(1, 100)");
	}

	// An operator who makes room, and starts it again if that was its end.
	async empty() {
		fs.rmSync(path.join(this.dir, 'full'));
		for (const end = Date.now() + 30000; Date.now() < end && !this.exited; await sleep(50))
			if (await sql(this.url, 'SELECT 1') !== null)
				return;
		await this.run();
	}

	// Every process of the cluster: the postmaster and its children.
	processes() {
		const all = execFileSync('ps', ['-o', 'pid=', '--ppid', String(this.child.pid)]).toString();
		return [this.child.pid, ...all.split('\n').map(Number).filter(Boolean)];
	}

	signal(name, processes = this.processes()) {
		for (const pid of processes) {
			try {
				process.kill(pid, name);
			} catch (error) {
				if (error.code !== 'ESRCH')
					throw error;
			}
		}
	}

	async kill() {
		this.signal('SIGKILL');
		await this.exit;
	}

	async remove() {
		if (this.child && !this.exited) {
			this.signal('SIGCONT');
			await this.kill();
		}
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}
