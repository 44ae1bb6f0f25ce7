// SPDX-License-Identifier: Apache-2.0
//
// A test that fails before it stops what it started does not keep its file from ending:
// what still runs a while after the last test of a file is killed, and told.

import { after } from 'node:test';

const PATIENCE_MS = 20000; // longer than an orderly stop takes
const running = new Set();

// child: of spawn. kill: how it ends with all of its own.
export function watch(child, kill = () => child.kill('SIGKILL')) {
	const one = { child, kill };
	running.add(one);
	child.once('exit', () => running.delete(one));
}

// Not in a program that a test runs.
if (process.argv[1]?.endsWith('.test.mjs'))
	after(() => {
		setTimeout(() => {
			for (const { child, kill } of running) {
				process.stderr.write(`# left running, and killed: ${child.spawnargs.join(' ')}\n`);
				kill();
			}
		}, PATIENCE_MS).unref();
	});
