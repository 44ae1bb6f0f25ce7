// SPDX-License-Identifier: Apache-2.0
//
// Judges a history: what clients sent, what they were told, nothing else. It
// knows no more of the server than an honest client does, so it cannot share a
// mistake with it.
//
// An event is {grant, did, got, ...}, in the order its client saw it:
//   authorize            got code (code)
//   redeem (code, key)   got tokens (access, refresh) | refused | nothing
//   refresh (token, key) got tokens (access, refresh) | refused | nothing
//   revoke (token)       got ended | nothing
//   introspect (token)   got active | inactive
// `nothing` means that no answer came: the deed may or may not have been done, and
// the grant is in doubt until an answer settles it. key is undefined where the
// client sent no Idempotency-Key. `late` marks an answer so long after that the
// credential may have run out by itself. Any other `got` is a defect.

class Grant {
	constructor() {
		this.phase = 'none'; // none, code, live, dead
		this.doubt = undefined; // {did, key, applied: true | false | undefined}
		this.pair = undefined; // the newest pair that was acknowledged
		this.from = undefined; // what it was got for: {did, credential, key}
		this.oldAccess = new Set();
		this.oldRefresh = new Set();
	}

	install(event, credential) {
		if (this.pair) {
			this.oldAccess.add(this.pair.access);
			this.oldRefresh.add(this.pair.refresh);
		}
		this.pair = { access: event.access, refresh: event.refresh };
		this.from = { did: event.did, credential, key: event.key };
		this.phase = 'live';
		this.doubt = undefined;
		return undefined;
	}

	die() {
		this.phase = 'dead';
		this.doubt = undefined;
		return undefined;
	}

	seen(event) {
		return [this.pair?.access, this.pair?.refresh].some((t) => t === event.access || t === event.refresh)
			|| this.oldAccess.has(event.access) || this.oldRefresh.has(event.refresh);
	}

	// The answer that made the newest pair, asked for again with its key (TR-11, TC-13).
	repeats(event, credential) {
		return event.key !== undefined && this.from?.did === event.did
			&& this.from.credential === credential && this.from.key === event.key;
	}

	same(event) {
		return event.access === this.pair.access && event.refresh === this.pair.refresh
			? undefined : 'the same request sent again got other tokens';
	}
}

// The newest credential was presented: what the answer means, doubt or none.
function current(grant, event, credential, name) {
	const { doubt } = grant;
	const again = doubt?.did === event.did && doubt.key !== undefined && doubt.key === event.key;
	if (event.got === 'nothing') {
		// Sent again: what was not done before may be done now.
		grant.doubt = { did: event.did, key: event.key, applied: (again && doubt.applied) || undefined };
		return undefined;
	}
	if (event.got === 'tokens') {
		if (grant.seen(event))
			return `a ${name} gave tokens that were given before`;
		if (doubt?.applied && !again)
			return `a spent ${name} was honoured: two live refresh tokens`;
		return grant.install(event, credential);
	}
	if (event.late)
		return grant.die();
	if (!doubt)
		return `an acknowledged ${name} was refused: it is lost`;
	if (again)
		return `the answer to a ${event.did} was lost and its retry key did not bring it back`;
	if (doubt.applied === false)
		return `a ${name} that was still good was refused: it is lost`;
	return grant.die();
}

const JUDGES = {
	authorize(grant, event) {
		grant.phase = 'code';
		grant.code = event.code;
		return undefined;
	},

	redeem(grant, event) {
		if (grant.phase === 'code')
			return current(grant, event, event.code, 'code');
		return replaced(grant, event, event.code, 'code');
	},

	refresh(grant, event) {
		if (grant.phase === 'live' && event.token === grant.pair.refresh)
			return current(grant, event, event.token, 'refresh token');
		return replaced(grant, event, event.token, 'refresh token');
	},

	revoke(grant, event) {
		if (event.got === 'ended')
			return grant.die();
		if (grant.phase === 'live')
			grant.doubt = { did: 'revoke' };
		return undefined;
	},

	introspect(grant, event) {
		const active = event.got === 'active';
		if (grant.phase === 'live' && event.token === grant.pair.access)
			return newest(grant, event, active);
		if (!active)
			return undefined;
		return grant.phase === 'dead'
			? 'an access token of a dead authorisation is active'
			: 'a replaced access token is active: two live access tokens';
	},
};

// A credential that is not the newest, or whose authorisation is dead.
function replaced(grant, event, credential, name) {
	const repeat = grant.phase === 'live' && !grant.doubt && grant.repeats(event, credential);
	if (event.got === 'tokens') {
		if (repeat)
			return grant.same(event);
		return grant.phase === 'dead'
			? `a ${name} of a dead authorisation was honoured`
			: `a replaced ${name} was honoured: two live refresh tokens`;
	}
	if (event.got === 'nothing') {
		if (grant.phase === 'live' && !repeat)
			grant.doubt = { did: 'replay' };
		return undefined;
	}
	return repeat && !event.late
		? 'the same request with its retry key was refused'
		: grant.die(); // a replay, punished
}

function newest(grant, event, active) {
	const { doubt } = grant;
	if (!doubt)
		return active || event.late ? undefined : 'an acknowledged access token is inactive: it is lost';
	if (event.late)
		return undefined;
	if (active && doubt.applied)
		return 'what was done came undone: a dead access token is active again';
	if (!active && doubt.applied === false)
		return 'an access token died while nobody asked for anything';
	doubt.applied = !active;
	return undefined;
}

const ANSWERS = {
	authorize: ['code'],
	redeem: ['tokens', 'refused', 'nothing'],
	refresh: ['tokens', 'refused', 'nothing'],
	revoke: ['ended', 'nothing'],
	introspect: ['active', 'inactive'],
};

// Returns {violations: [sentence], grants: Map}, one violation a grant at most:
// after the first, what follows has no meaning.
export function judge(history) {
	const grants = new Map();
	const violations = [];
	const broken = new Set();
	for (const [at, event] of history.entries()) {
		if (broken.has(event.grant))
			continue;
		if (!grants.has(event.grant))
			grants.set(event.grant, new Grant());
		const wrong = ANSWERS[event.did].includes(event.got)
			? JUDGES[event.did](grants.get(event.grant), event)
			: `an answer no client expects: ${event.text ?? event.got}`;
		if (wrong) {
			broken.add(event.grant);
			violations.push(`event ${at}, grant ${event.grant}, ${event.did}: ${wrong}`);
		}
	}
	return { violations, grants };
}
