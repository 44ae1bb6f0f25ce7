// SPDX-License-Identifier: Apache-2.0
//
// What is true of every answer, whatever was asked: noted for each answer of a
// run, and asserted at the end of each file (see close in cast.mjs).

// RULEBOOK appendix A4, less what other features bring.
export const ERRORS = {
	'/oauth/token': ['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client',
		'unsupported_grant_type', 'invalid_scope', 'invalid_target', 'server_error', 'temporarily_unavailable'],
	'/oauth/revoke': ['invalid_request', 'invalid_client', 'unauthorized_client', 'invalid_grant',
		'unsupported_token_type', 'server_error', 'temporarily_unavailable'],
	'/oauth/introspect': ['invalid_request', 'invalid_client', 'unauthorized_client',
		'server_error', 'temporarily_unavailable'],
};
export const REDIRECT_ERRORS = ['invalid_request', 'unauthorized_client', 'access_denied',
	'unsupported_response_type', 'invalid_scope', 'server_error', 'temporarily_unavailable',
	'invalid_target', 'login_required', 'consent_required', 'interaction_required',
	'account_selection_required', 'request_not_supported', 'request_uri_not_supported',
	'registration_not_supported'];

const METHODS = {
	'/oauth/authorize': 'GET, POST',
	'/oauth/token': 'POST',
	'/oauth/revoke': 'POST',
	'/oauth/introspect': 'POST',
};
const DESCRIPTION = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
const BROWSER_PAGES = ['/oauth/authorize', '/signin', '/consent', '/account', '/signout'];

const isDirect = (a) => a.path in ERRORS;
const leaves = (a, lk) => a.get('location') !== undefined && !lk.isOwn(a.get('location'));

// Each rule: about which answers it says something, and what is wrong with one
// (undefined: nothing).
const RULES = {
	'H-04': {
		about: () => true,
		wrong: (a) => {
			const [, age] = /max-age=(\d+)/.exec(a.get('strict-transport-security') ?? '') ?? [];
			return Number(age) >= 31536000 ? undefined : 'Strict-Transport-Security missing or short';
		},
	},
	'H-07': {
		about: (a) => a.status === 405 && a.path in METHODS,
		wrong: (a) => {
			const allow = (a.get('allow') ?? '').split(/\s*,\s*/).filter((m) => m !== 'OPTIONS');
			return allow.sort().join(', ') === METHODS[a.path] ? undefined : `Allow: ${a.get('allow')}`;
		},
	},
	'H-13': { about: (a) => isDirect(a) && a.status !== 204 && a.asked.method !== 'HEAD', wrong: directAnswer },
	'H-17': {
		about: (a) => a.oauth.some(([n]) => n === 'error'),
		wrong: (a) => {
			const bad = a.oauth.filter(([n, v]) => /^error/.test(n) && !DESCRIPTION.test(v));
			return bad.length ? `characters of ${JSON.stringify(bad)}` : undefined;
		},
	},
	'A4': {
		about: (a) => a.oauth.some(([n]) => n === 'error'),
		wrong: (a) => {
			const [, error] = a.oauth.find(([n]) => n === 'error');
			const allowed = a.get('location') !== undefined ? REDIRECT_ERRORS : ERRORS[a.path];
			return allowed.includes(error) ? undefined : `error ${error} at ${a.path}`;
		},
	},
	'U-01': { about: (a) => a.isHtml, wrong: pageHeaders },
	'U-03': {
		about: (a) => a.isHtml,
		wrong: (a) => {
			const links = [...a.text.matchAll(/\b(?:href|src|srcset|poster|data|background)\s*=\s*["']?([^"'\s>]+)/gi)].map((m) => m[1]);
			const foreign = links.filter((to) => !/^(\/(?!\/)|#|data:image\/)/.test(to));
			return foreign.length ? `links to ${foreign.join(' ')}` : undefined;
		},
	},
	'U-06': {
		about: (a) => a.all('set-cookie').length > 0,
		wrong: (a) => {
			const bad = a.all('set-cookie').filter((c) => !isSessionCookie(c));
			return bad.length ? `attributes of ${bad[0].replace(/=[^;]*/, '=...')}` : undefined;
		},
	},
	'U-07': {
		about: (a) => a.status >= 300 && a.status < 400 && a.status !== 304,
		wrong: (a) => (a.status === 303 ? undefined : `redirect by ${a.status}`),
	},
	'T-10': {
		about: (a) => isDirect(a) && a.status >= 400,
		wrong: (a) => (a.get('location') === undefined && a.all('set-cookie').length === 0
			? undefined : 'Location or Set-Cookie from a direct endpoint'),
	},
	'CO-01': {
		about: (a) => [...BROWSER_PAGES, '/oauth/introspect'].includes(a.path),
		wrong: (a) => (a.headers.some(([n]) => /^access-control-/i.test(n)) ? 'an Access-Control header' : undefined),
	},
	'AR-03': {
		about: leaves,
		wrong: (a, lk) => {
			const iss = a.oauth.filter(([n]) => n === 'iss').map(([, v]) => v);
			return iss.length === 1 && iss[0] === lk.issuer ? undefined : `iss is ${iss}`;
		},
	},
	'AR-04': {
		about: leaves,
		wrong: (a) => {
			const own = new URL(a.get('location')).search.slice(1);
			const first = own.search(/(?:^|(?<=&))(code|error|iss|state)=/);
			const known = ['code', 'iss', 'state', 'error', 'error_description'];
			const odd = pairs(own.slice(Math.max(first, 0))).filter(([n]) => !known.includes(n));
			return odd.length ? `parameters ${odd.map(([n]) => n)}` : undefined;
		},
	},
	'AR-06': {
		about: leaves,
		wrong: (a) => (a.get('location').includes('#') ? 'a fragment' : undefined),
	},
};

export const UNIVERSAL = Object.keys(RULES);

function directAnswer(a) {
	if (a.get('cache-control') !== 'no-store' || a.get('pragma') !== 'no-cache')
		return 'Cache-Control or Pragma';
	if (a.get('x-content-type-options') !== 'nosniff')
		return 'X-Content-Type-Options';
	if (a.body.length === 0)
		return a.path === '/oauth/revoke' && a.status === 200 ? undefined : 'no body';
	if (!/^application\/json(; ?charset=utf-8)?$/i.test(a.get('content-type') ?? ''))
		return `Content-Type: ${a.get('content-type')}`;
	if (a.body[0] === 0xef)
		return 'a byte order mark';
	const value = a.json; // throws on duplicate members
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		return 'not one object';
	return hasNull(value) ? 'a null member' : undefined;
}

function pageHeaders(a) {
	const csp = a.get('content-security-policy') ?? '';
	for (const part of ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"])
		if (!csp.includes(part))
			return `Content-Security-Policy without ${part}`;
	if (/unsafe-inline|unsafe-eval|\*/.test(csp))
		return `a loose Content-Security-Policy: ${csp}`;
	const expected = {
		'x-frame-options': 'DENY',
		'referrer-policy': 'no-referrer',
		'cache-control': 'no-store',
		'x-content-type-options': 'nosniff',
		'content-type': 'text/html; charset=utf-8',
	};
	return Object.entries(expected)
		.filter(([n, v]) => (a.get(n) ?? '').toLowerCase() !== v.toLowerCase())
		.map(([n]) => `${n}: ${a.get(n)}`)[0];
}

function isSessionCookie(line) {
	const attributes = line.split(';').map((s) => s.trim().toLowerCase());
	return line.startsWith('__Host-')
		&& ['secure', 'httponly', 'path=/', 'samesite=lax'].every((x) => attributes.includes(x))
		&& !attributes.some((x) => x.startsWith('domain'));
}

function hasNull(value) {
	return value === null || (typeof value === 'object' && Object.values(value).some(hasNull));
}

function pairs(query) {
	return query.split('&').filter(Boolean).map((p) => {
		const [n, v = ''] = p.split('=');
		return [n, decodeURIComponent(v.replace(/\+/g, ' '))];
	});
}

export class Ledger {
	constructor(lk) {
		this.lk = lk;
		this.answers = 0;
		this.broken = new Map();
		this.judged = new Map();
		this.secrets = new Set();
	}

	secret(value, hidden) {
		if (typeof value !== 'string' || value.length < 8)
			return;
		if (hidden && !/^[A-Za-z0-9_~.-]{20,}$/.test(value))
			return;
		this.secrets.add(value);
	}

	note(answer) {
		this.answers++;
		answer.path = (answer.asked.target ?? '').split('?')[0];
		answer.oauth = oauthMembers(answer);
		for (const [rule, judge] of Object.entries(RULES)) {
			let wrong;
			try {
				if (!judge.about(answer, this.lk))
					continue;
				this.judged.set(rule, (this.judged.get(rule) ?? 0) + 1);
				wrong = judge.wrong(answer, this.lk);
			} catch (error) {
				wrong = error.message;
			}
			if (wrong !== undefined)
				this.broken.set(rule, [...(this.broken.get(rule) ?? []), `${wrong}\n${answer}`]);
		}
	}

	// The secrets that stand in a text, by their first characters only.
	found(text) {
		return [...this.secrets].filter((s) => text.includes(s) || text.includes(encodeURIComponent(s)))
			.map((s) => `${s.slice(0, 6)}... (${s.length})`);
	}
}

function oauthMembers(answer) {
	const to = answer.get('location');
	if (to !== undefined)
		return to.includes('?') ? pairs(to.slice(to.indexOf('?') + 1).split('#')[0]) : [];
	if (answer.isJson && answer.path in ERRORS) {
		try {
			return Object.entries(answer.json).filter(([, v]) => typeof v === 'string');
		} catch {
			return [];
		}
	}
	return [];
}
