// SPDX-License-Identifier: Apache-2.0
//
// Clients under load while the server is killed again and again, and all that was
// said between them written down for checker.mjs. What a kill takes with it beside
// the process (nothing, or what no sync covered) is the caller's.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import { run as command, sleep } from '../lib/latchkey.mjs';
import { Client } from './clients.mjs';

const SLOW = Number(process.env.LATCHKEY_SLOW ?? 1);
const HABITS = ['always', 'always', 'always', 'always', 'never', 'never', 'sometimes', 'sometimes'];

export const sample = (list, n) =>
	Array.from({ length: Math.min(n, list.length) }, () => list[randomInt(list.length)]);

export class Campaign {
	// before(round) is called ahead of each start, after(round) once the process is dead;
	// patience(round): how many milliseconds it is left alone.
	constructor(lk, { before = () => {}, after = () => {}, patience = () => randomInt(20, 300), People = Client } = {}) {
		Object.assign(this, { lk, before, after, patience });
		this.run = {
			over: false,
			history: [],
			kept: [], // authorisations that nobody ended
			up: Promise.resolve(),
			count: 0,
			unsure: 0, // answers that left open whether it was done
			number() { return ++this.count; },
		};
		this.restarts = [];
		this.unclean = [];
		this.faults = [];
		this.clients = HABITS.map((habit, i) => new People(this.run, lk, i % 2 ? lk.phone : lk.web, habit));
		this.watcher = new People(this.run, lk, lk.web, 'never');
	}

	// A copy, so that looking does not repair what the server is about to find.
	async inspect() {
		const copy = fs.mkdtempSync(path.join(this.lk.dir, 'copy-'));
		fs.cpSync(this.lk.data, copy, { recursive: true, filter: (f) => !fs.statSync(f).isSocket() });
		const databases = fs.readdirSync(copy, { recursive: true }).map((f) => path.join(copy, f))
			.filter((f) => fs.statSync(f).isFile()
				&& fs.readFileSync(f).subarray(0, 15).toString() === 'SQLite format 3');
		assert.ok(databases.length > 0, 'a database');
		for (const file of databases) {
			const { stdout, stderr } = await command('sqlite3', [file, 'PRAGMA integrity_check']);
			if (stdout.trim() !== 'ok')
				this.unclean.push(`${path.basename(file)}: ${stdout}${stderr}`);
		}
		fs.rmSync(copy, { recursive: true });
	}

	readLog() {
		this.faults.push(...this.lk.log.split('\n').filter((line) => line.includes('"fault"')));
		this.lk.log = '';
	}

	async firstAnswer() {
		const c = await this.lk.connect();
		c.send(`GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: ${this.lk.host}\r\n\r\n`);
		const answer = await c.read({ method: 'GET' });
		c.close();
		assert.equal(answer?.status, 200);
	}

	async killAndRestart(round) {
		let up;
		this.run.up = new Promise((resolve) => { up = resolve; });
		this.lk.child.kill('SIGKILL');
		await this.lk.exit;
		this.readLog();
		await this.after(round);
		if (round % 5 === 0)
			await this.inspect();
		await this.before(round);
		const began = performance.now();
		await this.lk.serve();
		await this.firstAnswer();
		this.restarts.push(Math.round(performance.now() - began));
		up();
	}

	// `count` of them, and more if they have not done enough, up to four times as many.
	async rounds(count, enough = () => true) {
		const lives = this.clients.map((c) => c.live());
		const failed = Promise.all(lives).then(() => new Promise(() => {})); // only rejects
		await Promise.race([failed, (async () => {
			for (let round = 1; round <= count || (!enough() && round <= 4 * count); round++) {
				await sleep(this.patience(round) * SLOW);
				await this.killAndRestart(round);
				for (const grant of sample(this.run.kept, 4))
					await this.watcher.look(grant);
			}
			this.run.over = true;
			await Promise.all(lives);
		})()]);
		assert.ok(this.restarts.length >= count);
	}

	// The end of what nobody ended: the newest works, nothing older does.
	async settle(most) {
		assert.ok(this.run.kept.length > 0);
		for (const grant of new Set(sample(this.run.kept, most)))
			await grant.owner.settle(grant);
	}

	count(f) {
		return this.run.history.filter(f).length;
	}

	summary() {
		const lost = this.run.history.filter((e) => e.got === 'nothing');
		return `${this.run.count} authorisations, ${this.count((e) => e.did === 'refresh' && e.got === 'tokens')} refreshes, `
			+ `${this.count((e) => e.did === 'redeem' && e.got === 'tokens')} redemptions, `
			+ `${this.count((e) => e.did === 'revoke' && e.got === 'ended')} revocations, `
			+ `${lost.length} answers lost (${lost.filter((e) => e.key).length} with a retry key)`;
	}
}
