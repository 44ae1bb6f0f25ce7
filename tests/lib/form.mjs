// SPDX-License-Identifier: Apache-2.0
//
// Forms in both senses: application/x-www-form-urlencoded, and the forms of a
// page; and the two other small codecs every flow needs, Basic and PKCE.

import { createHash, randomBytes } from 'node:crypto';

// RFC 6749 appendix B: everything but the unreserved is escaped, a space is '+'.
export function encode(text) {
	return encodeURIComponent(text)
		.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
		.replace(/%20/g, '+');
}

export function decode(text) {
	return decodeURIComponent(text.replace(/\+/g, '%20'));
}

// A string goes as it is; an object or a list of pairs is encoded; an undefined
// value leaves its parameter out, an array repeats it.
export function form(params) {
	if (typeof params === 'string')
		return params;
	const pairs = Array.isArray(params) ? params : Object.entries(params);
	return pairs
		.flatMap(([n, v]) => (Array.isArray(v) ? v.map((one) => [n, one]) : [[n, v]]))
		.filter(([, v]) => v !== undefined)
		.map(([n, v]) => `${encode(n)}=${encode(String(v))}`)
		.join('&');
}

export function parseForm(text) {
	return text.split('&').filter(Boolean).map((pair) => {
		const eq = pair.indexOf('=');
		return eq < 0
			? [decode(pair), '']
			: [decode(pair.slice(0, eq)), decode(pair.slice(eq + 1))];
	});
}

// RFC 6749 section 2.3.1: each half form-encoded, then Basic.
export function basic(id, secret) {
	return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}

export function pkce(verifier = randomBytes(32).toString('base64url')) {
	return {
		verifier,
		challenge: createHash('sha256').update(verifier, 'ascii').digest('base64url'),
	};
}

// ---- the forms of a page -----------------------------------------------------

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function unescapeHtml(text) {
	return text.replace(/&(?:#(\d+)|#[xX]([0-9a-fA-F]+)|([a-z]+));/g, (all, dec, hex, name) => {
		if (dec)
			return String.fromCodePoint(Number(dec));
		if (hex)
			return String.fromCodePoint(parseInt(hex, 16));
		return ENTITIES[name] ?? all;
	});
}

function attributes(tag) {
	const out = {};
	for (const m of tag.matchAll(/([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g))
		out[m[1].toLowerCase()] ??= unescapeHtml(m[2] ?? m[3] ?? m[4] ?? '');
	return out;
}

// Every tag of that name, as its attributes.
export function tags(html, name) {
	const re = new RegExp(`<${name}\\b((?:"[^"]*"|'[^']*'|[^>"'])*)>`, 'gi');
	return [...html.matchAll(re)].map((m) => attributes(m[1]));
}

function controls(html) {
	const out = [];
	for (const m of html.matchAll(/<(input|button|select|textarea)\b((?:"[^"]*"|'[^']*'|[^>"'])*)>/gi)) {
		const tag = m[1].toLowerCase();
		const a = attributes(m[2]);
		if (tag === 'select') {
			const end = html.indexOf('</select>', m.index);
			const options = tags(html.slice(m.index, end), 'option');
			const chosen = options.find((o) => 'selected' in o) ?? options[0];
			out.push({ ...a, type: 'select', value: chosen?.value ?? '', options: options.map((o) => o.value) });
		} else {
			out.push({ ...a, type: (a.type ?? (tag === 'button' ? 'submit' : 'text')).toLowerCase(), value: a.value ?? '' });
		}
	}
	return out;
}

export function forms(html) {
	const out = [];
	for (const m of html.matchAll(/<form\b((?:"[^"]*"|'[^']*'|[^>"'])*)>([\s\S]*?)<\/form>/gi)) {
		const a = attributes(m[1]);
		const all = controls(m[2]);
		out.push({
			action: a.action,
			method: (a.method ?? 'get').toUpperCase(),
			controls: all,
			buttons: all.filter((c) => c.type === 'submit'),
			has: (name, value) => all.some((c) => c.name === name && (value === undefined || c.value === value)),
			control: (name) => all.find((c) => c.name === name),
			choices: (name) => all.filter((c) => c.name === name).flatMap((c) => c.options ?? [c.value]),
		});
	}
	return out;
}

// What a browser would send: successful controls in order, with `filled` over
// them, and the button that was pressed.
export function fill(theForm, filled = {}, button = undefined) {
	const pairs = [];
	const done = new Set();
	for (const c of theForm.controls) {
		if (!c.name || c.type === 'submit' || c.type === 'button' || done.has(c.name))
			continue;
		if (c.name in filled) {
			done.add(c.name);
			if (filled[c.name] !== undefined)
				pairs.push([c.name, filled[c.name]]);
		} else if ((c.type === 'radio' || c.type === 'checkbox') && !('checked' in c)) {
			continue;
		} else {
			pairs.push([c.name, c.value]);
		}
	}
	for (const [name, value] of Object.entries(filled))
		if (value !== undefined && !done.has(name))
			pairs.push([name, value]);
	if (button?.name)
		pairs.push([button.name, button.value]);
	return pairs;
}
