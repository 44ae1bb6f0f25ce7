// SPDX-License-Identifier: Apache-2.0
//
// What a browser may bring to the redirect URI, and what is to become of it: rows of
// [what, (the honest pairs) => query, {status, says}]. A name begins with its rule.

import { form } from '../../lib/latchkey.mjs';

export const rejected = (says) => ({ status: 'rejected', says });
export const configuration = (says) => ({ status: 'configuration', says });
export const later = (says, more) => ({ status: 'try_later', says, ...more });

const DONE = { status: 'ok', says: /^$/ };
const query = (change) => (pairs) => form(change(pairs));
const set = (more) => query((pairs) => ({ ...pairs, ...more }));
const twice = (name, other) => (pairs) => `${form(pairs)}&${form({ [name]: other ?? pairs[name] })}`;
const error = (name, more = {}) => query(({ state, iss }) => ({ error: name, state, iss, ...more }));

export const CALLBACKS = [
	['the honest answer', (pairs) => form(pairs), DONE],
	['in another order', (pairs) => form(Object.entries(pairs).reverse()), DONE],
	['with a parameter that nobody knows', set({ session_state: 'x' }), DONE],
	['CL-11 no state', set({ state: undefined }), rejected(/state/)],
	['CL-11 an empty state', set({ state: '' }), rejected(/state/)],
	['CL-11 another state', set({ state: 'A'.repeat(43) }), rejected(/state/)],
	['CL-11 state in other case', query((p) => ({ ...p, state: p.state.toLowerCase() })), rejected(/state/)],
	['CL-11 the state twice', twice('state'), rejected(/twice/)],
	['CL-11 two states', twice('state', 'B'.repeat(43)), rejected(/twice/)],
	['CL-12 no iss, although promised', set({ iss: undefined }), rejected(/iss/)],
	['CL-12 another iss', set({ iss: 'https://other.example' }), rejected(/iss/)],
	['CL-12 iss with a slash more', query((p) => ({ ...p, iss: `${p.iss}/` })), rejected(/iss/)],
	['CL-12 the iss twice', twice('iss'), rejected(/twice/)],
	['CL-12 an empty iss', set({ iss: '' }), rejected(/iss/)],
	['CL-12 an error of another iss: the error is not believed', error('access_denied', { iss: 'https://other.example', error_description: 'call this number' }), rejected(/iss/)],
	['CL-13 code and error', set({ error: 'access_denied' }), rejected(/code.*error|error.*code|both/)],
	['CL-13 a token', set({ access_token: 'at_in_the_url_of_the_callback' }), rejected(/token/)],
	['CL-13 an id_token', set({ id_token: 'e30.e30.' }), rejected(/token/)],
	['CL-13 a token alone', query(({ state, iss }) => ({ access_token: 'at_in_the_url_of_the_callback', token_type: 'Bearer', state, iss })), rejected(/token/)],
	['no code and no error', set({ code: undefined }), rejected(/code/)],
	['an empty code', set({ code: '' }), rejected(/code/)],
	['the code twice', twice('code'), rejected(/code|twice|more than once/)],
	['two codes', twice('code', 'ac_another'), rejected(/code|twice|more than once/)],
	['not a form', () => '%zz&&&==', rejected(/./)],
	['nothing', () => '', rejected(/state/)],
	['64 KiB more', set({ x: 'x'.repeat(65536) }), { status: /rejected|ok/, says: /./ }],
	['access_denied', error('access_denied'), { status: 'denied', says: /denied/ }],
	['temporarily_unavailable', error('temporarily_unavailable'), later(/temporarily_unavailable/)],
	['server_error', error('server_error'), later(/server_error/)],
	['invalid_scope', error('invalid_scope'), configuration(/invalid_scope/)],
	['an error of no kind', error('x'.repeat(4000)), configuration(/./)],
	['an error that moves the cursor', error('access_denied', { error_description: '\u001b[2J\u0007boo\r\nSet-Cookie: a=b' }), { status: 'rejected', says: /^[^\u0000-\u001f\u007f]*$/ }],
];
