// SPDX-License-Identifier: Apache-2.0
//
// nth.mjs, where it can be: ThreadSanitizer stands before the same calls itself, and
// only one can.

import { test } from 'node:test';

import { BINARY, run } from '../lib/latchkey.mjs';

if (/libtsan/.test((await run('ldd', [BINARY])).stdout))
	test('the n-th call of a kind fails', { skip: 'ThreadSanitizer intercepts the same calls' }, () => {});
else
	await import('./nth.mjs');
