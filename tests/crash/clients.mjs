// SPDX-License-Identifier: Apache-2.0
//
// Clients under load, as honest ones behave: each keeps one authorisation at a
// time, refreshes it again and again, then revokes it, keeps it, or has it stolen,
// and writes down what it sent and what it was told. When an answer does not come it waits for the
// server, looks whether its access token still lives, and sends the same again.

import { randomInt } from 'node:crypto';

import { address, basic, form, random, requestBytes } from '../lib/latchkey.mjs';

const HABITS = {
	always: () => random(), // a fresh retry key for each request
	never: () => undefined,
	sometimes: () => (randomInt(2) ? random() : undefined),
};

// Where an answer is so old that what it speaks of may have run out by itself.
const CODE_LIFE_MS = 50000;
const ACCESS_LIFE_MS = 540000;

export class Client {
	constructor(run, lk, registered, habit) {
		Object.assign(this, { run, lk, registered });
		this.key = HABITS[habit];
		this.from = address();
		this.browser = lk.browser();
	}

	// ---- the wire ----------------------------------------------------------------

	// An answer, or null when it was sent and none came; waits while nothing listens.
	async call(who, target, params, headers = []) {
		const connection = await this.connection();
		const bytes = requestBytes({
			host: this.lk.host,
			method: 'POST',
			target,
			headers: [
				['Content-Type', 'application/x-www-form-urlencoded'],
				...(who.client_secret ? [['Authorization', basic(who.client_id, who.client_secret)]] : []),
				...headers,
			],
			body: form(who.client_secret ? params : { client_id: who.client_id, ...params }),
		});
		try {
			connection.send(bytes);
			const answer = await connection.read({ method: 'POST', target });
			if (answer === null || /close/i.test(answer.get('connection') ?? ''))
				this.drop();
			return answer;
		} catch {
			this.drop();
			return null;
		}
	}

	async connection() {
		while (!this.open || this.open.ended)
			try {
				await this.run.up;
				this.open = await this.lk.connect({ from: this.from });
			} catch {
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
		return this.open;
	}

	drop() {
		this.open?.close();
		this.open = undefined;
	}

	// ---- what a client does ----------------------------------------------------------

	note(grant, event) {
		const whole = { grant: grant.number, ...event };
		this.run.history.push(whole);
		return whole;
	}

	async authorize() {
		await this.run.up;
		let answer;
		try {
			answer = await this.lk.authorize(this.registered, {}, { user: this.lk.ben, browser: this.browser });
		} catch {
			return undefined; // lost on the way: nothing was promised
		}
		if (!answer.code)
			throw new Error(`no code: ${answer}`);
		const grant = { number: this.run.number(), owner: this, authorized: answer, since: Date.now() };
		this.note(grant, { did: 'authorize', got: 'code', code: answer.code });
		return grant;
	}

	// One request until it is answered; what did not come back is settled first.
	async insist(grant, did, params, credential) {
		const key = this.key();
		for (;;) {
			const answer = await this.call(this.registered, '/oauth/token', params,
				key ? [['Idempotency-Key', key]] : []);
			const event = this.note(grant, { did, key, ...credential, ...this.tokens(answer) });
			if (did === 'redeem' && Date.now() - grant.since > CODE_LIFE_MS)
				event.late = true;
			if (event.got === 'tokens') {
				grant.access = event.access;
				grant.refresh = event.refresh;
				grant.renewed = Date.now();
			}
			if (event.got !== 'nothing')
				return event;
			await this.run.up;
			if (grant.access)
				await this.look(grant);
		}
	}

	tokens(answer) {
		if (answer === null)
			return { got: 'nothing' };
		if (answer.status === 200)
			return { got: 'tokens', access: answer.json.access_token, refresh: answer.json.refresh_token };
		if (answer.status === 400 && answer.json.error === 'invalid_grant')
			return { got: 'refused' };
		return { got: 'odd', text: `${answer.status} ${answer.text}` };
	}

	redeem(grant) {
		return this.insist(grant, 'redeem', {
			grant_type: 'authorization_code',
			code: grant.authorized.code,
			redirect_uri: grant.authorized.request.params.redirect_uri,
			code_verifier: grant.authorized.verifier,
		}, { code: grant.authorized.code });
	}

	refresh(grant, token = grant.refresh) {
		return this.insist(grant, 'refresh',
			{ grant_type: 'refresh_token', refresh_token: token }, { token });
	}

	async revoke(grant) {
		for (;;) {
			const answer = await this.call(this.registered, '/oauth/revoke', { token: grant.refresh });
			const got = answer === null ? 'nothing' : answer.status === 200 ? 'ended' : 'odd';
			this.note(grant, { did: 'revoke', token: grant.refresh, got, text: `${answer?.status}` });
			if (got !== 'nothing')
				return;
			await this.run.up;
			await this.look(grant);
		}
	}

	// Asks whether an access token lives; harmless at any time.
	async look(grant, token = grant.access) {
		for (;;) {
			const answer = await this.call(this.lk.api, '/oauth/introspect', { token });
			if (answer === null)
				continue;
			const got = answer.status === 200 ? (answer.json.active ? 'active' : 'inactive') : 'odd';
			return this.note(grant, {
				did: 'introspect', token, got, text: `${answer.status} ${answer.text}`,
				late: Date.now() - grant.renewed > ACCESS_LIFE_MS,
			});
		}
	}

	// ---- a life ---------------------------------------------------------------------

	async live() {
		while (!this.run.over) {
			const grant = await this.authorize();
			if (!grant || (await this.redeem(grant)).got !== 'tokens')
				continue;
			grant.alive = true;
			grant.older = [];
			await this.refreshAWhile(grant);
			if (grant.alive)
				await [this.revoke, this.replay, this.keep][randomInt(3)].call(this, grant);
		}
	}

	// A thief's use of a token that was replaced: the end of the authorisation.
	async replay(grant) {
		if (grant.older.length === 0)
			return;
		const old = grant.older[randomInt(grant.older.length)];
		await this.refresh(grant, old.refresh);
		await this.look(grant);
	}

	keep(grant) {
		this.run.kept.push(grant);
	}

	async refreshAWhile(grant) {
		for (let left = randomInt(5, 150); left > 0 && !this.run.over; left--) {
			const before = { access: grant.access, refresh: grant.refresh };
			if ((await this.refresh(grant)).got !== 'tokens') {
				grant.alive = false;
				return;
			}
			grant.older.push(before);
		}
	}

	// The end of an authorisation that should live: the newest works, nothing older
	// does, and trying it is the end of all.
	async settle(grant) {
		await this.look(grant);
		await this.refresh(grant);
		for (const old of grant.older.slice(-3))
			await this.look(grant, old.access);
		await this.replay(grant);
		await this.refresh(grant);
	}
}
