// SPDX-License-Identifier: Apache-2.0
//
// Tests that mostly wait, each for what is its own, several at a time:
//
//	const { test, begin } = sideBySide('what they are about', 4);
//	test('...', async () => { ... });
//	begin(); // at the end of the file

import { describe, it } from 'node:test';

export function sideBySide(title, concurrency) {
	const declared = [];
	return {
		test: (...args) => { declared.push(args); },
		begin: () => describe(title, { concurrency }, () => declared.forEach((args) => it(...args))),
	};
}
