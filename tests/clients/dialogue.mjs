// SPDX-License-Identifier: Apache-2.0
//
// A client program's side of the talk with story.mjs: say a line, hear one.

import readline from 'node:readline';

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const settings = {
	issuer: process.env.ISSUER,
	clientId: process.env.CLIENT_ID,
	clientSecret: process.env.CLIENT_SECRET || undefined,
	redirectUri: process.env.REDIRECT_URI,
	scope: process.env.SCOPE,
};

export async function say(word, value = '') {
	process.stdout.write(`${word} ${typeof value === 'string' ? value : JSON.stringify(value)}`.trim() + '\n');
	const { value: answer, done } = await lines.next();
	if (done)
		throw new Error('nobody answered');
	return answer;
}

// A callback as a mix-up attacker would have it (RFC 9207 section 1).
export function withOtherIssuer(callback) {
	const url = new URL(callback);
	url.searchParams.set('iss', 'https://other.example');
	return url;
}

export function farewell() {
	process.stdin.destroy();
}
