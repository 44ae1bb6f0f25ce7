// SPDX-License-Identifier: Apache-2.0
//
// A browser as far as the pages need one: cookies, forms, and the walk from an
// authorisation request through sign-in and consent to the client's redirect URI.

import { fill, form, forms, parseForm } from './form.mjs';

const NAVIGATION = [
	['Sec-Fetch-Mode', 'navigate'],
	['Sec-Fetch-Dest', 'document'],
	['Accept', 'text/html'],
];

// What a browser says of itself, less what the caller says otherwise.
function navigation(headers) {
	const given = new Set(headers.map(([n]) => n.toLowerCase()));
	return NAVIGATION.filter(([n]) => !given.has(n.toLowerCase()));
}

export class Browser {
	constructor(lk, { from } = {}) {
		this.lk = lk;
		this.from = from;
		this.cookies = new Map();
	}

	cookieHeader() {
		const pairs = [...this.cookies].map(([n, v]) => `${n}=${v}`);
		return pairs.length ? [['Cookie', pairs.join('; ')]] : [];
	}

	keep(answer) {
		for (const line of answer.all('set-cookie')) {
			const [pair, ...rest] = line.split(';').map((s) => s.trim());
			const eq = pair.indexOf('=');
			const name = pair.slice(0, eq);
			const value = pair.slice(eq + 1);
			const gone = rest.some((a) => /^max-age=(0|-\d+)$/i.test(a));
			if (gone || value === '')
				this.cookies.delete(name);
			else
				this.cookies.set(name, value);
			this.lk.secret(value);
		}
		return answer;
	}

	async get(target, headers = []) {
		return this.keep(await this.lk.send({
			target,
			headers: [...navigation(headers), ...this.cookieHeader(), ...headers],
			from: this.from,
		}));
	}

	// Origin is "null" for a form of a page under Referrer-Policy: no-referrer.
	async post(target, params, headers = [['Origin', 'null'], ['Sec-Fetch-Site', 'same-origin']]) {
		return this.keep(await this.lk.send({
			method: 'POST',
			target,
			headers: [
				['Content-Type', 'application/x-www-form-urlencoded'],
				...navigation(headers), ...this.cookieHeader(), ...headers,
			],
			body: form(params),
			from: this.from,
		}));
	}

	// Presses a button (named [name, value]) of a form of the page.
	async submit(page, theForm, filled = {}, press = undefined) {
		const button = press
			? theForm.buttons.find((b) => b.name === press[0] && b.value === press[1])
			: theForm.buttons[0];
		if (press && !button)
			throw new Error(`no button ${press.join('=')} on\n${page}`);
		const pairs = fill(theForm, filled, button);
		for (const c of theForm.controls)
			if (c.type === 'hidden')
				this.lk.secret(c.value, { hidden: true });
		const target = this.lk.local(theForm.action || page.asked.target, page.asked.target);
		return theForm.method === 'POST'
			? this.post(target, pairs)
			: this.get(`${target.split('?')[0]}?${form(pairs)}`);
	}

	// Redirects within the server; null when it leads elsewhere.
	async follow(answer) {
		for (let i = 0; i < 8; i++) {
			const to = answer.get('location');
			if (to === undefined || !this.lk.isOwn(to))
				return answer;
			answer = await this.get(this.lk.local(to, answer.asked.target));
		}
		throw new Error('redirects without an end');
	}

	// From whatever page came back to the end of the story, answering each page:
	// sign-in with `user`, consent with `decision` and `subject`. stopAt: 'signin'
	// or 'consent' returns that page unanswered.
	async walk(answer, { user, decision = 'approve', subject, stopAt } = {}) {
		let signIns = 0;
		for (let i = 0; i < 8; i++) {
			answer = await this.follow(answer);
			if (answer.status !== 200 || !answer.isHtml)
				return answer;
			const all = forms(answer.text);
			const signIn = all.find((f) => f.has('password'));
			const consent = all.find((f) => f.has('decision'));
			if (signIn) {
				if (stopAt === 'signin' || signIns++ > 0)
					return answer;
				answer = await this.submit(answer, signIn, { username: user.username, password: user.password });
			} else if (consent) {
				if (stopAt === 'consent')
					return answer;
				const choice = consent.control('subject') && subject ? { subject } : {};
				answer = await this.submit(answer, consent, choice, ['decision', decision]);
			} else {
				return answer;
			}
		}
		throw new Error(`no end in sight at\n${answer}`);
	}

	async signIn(user) {
		const page = await this.follow(await this.get('/account'));
		const theForm = forms(page.text).find((f) => f.has('password'));
		if (!theForm)
			throw new Error(`no sign-in form at\n${page}`);
		return this.submit(page, theForm, { username: user.username, password: user.password });
	}

	// An authorisation request, walked to its end. The result is the last answer
	// with what a client would read from it.
	async authorize(request, how = {}) {
		const query = form(request.params);
		const first = how.method === 'POST'
			? await this.post('/oauth/authorize', query)
			: await this.get(`/oauth/authorize?${query}`, how.headers);
		const answer = await this.walk(first, how);
		return read(answer, request);
	}
}

// Reads the answer to an authorisation request as the client would.
export function read(answer, request) {
	answer.request = request;
	answer.verifier = request.verifier;
	const to = answer.get('location');
	if (to !== undefined) {
		const query = to.includes('?') ? to.slice(to.indexOf('?') + 1).split('#')[0] : '';
		answer.sent = parseForm(query);
	} else if (answer.isHtml) {
		const post = forms(answer.text).find((f) => f.action === request.params.redirect_uri);
		answer.posted = post;
		answer.sent = post?.controls.filter((c) => c.name).map((c) => [c.name, c.value]);
	}
	for (const [n, v] of answer.sent ?? []) {
		answer[`got_${n}`] = v;
		if (n === 'code')
			answer.code = v;
	}
	return answer;
}
