// SPDX-License-Identifier: Apache-2.0
//
// What the integrator's side costs (bench_client.c, and the command as a whole process)
// while nothing has to be refreshed. Alone: LATCHKEY=build/latchkey node client.mjs

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { connect, consenting, Driver, registration, vault } from '../client/driver.mjs';
import { startCast } from '../lib/cast.mjs';
import { BINARY, run } from '../lib/latchkey.mjs';

const PROCESSES = 50;
const ROUNDS = 5;

async function must(command, args, env) {
	const done = await run(command, args, { env });
	if (done.status !== 0)
		throw new Error(`${command}: ${done.stderr}`);
	return done.stdout;
}

// Milliseconds of `latchkey token acme`, started by a shell; the best of the rounds.
async function wholeProcess(place) {
	const env = { LATCHKEY_VAULT: place.vault, LATCHKEY_KEY: place.key, XDG_RUNTIME_DIR: place.dir };
	const loop = `i=0; while [ $i -lt ${PROCESSES} ]; do "$0" "$@" >/dev/null; i=$((i + 1)); done`;
	const times = [];
	for (let round = 0; round < ROUNDS; round++) {
		const began = performance.now();
		await must('sh', ['-ec', loop, BINARY, 'token', 'acme'], env);
		times.push((performance.now() - began) / PROCESSES);
	}
	return Math.min(...times);
}

export async function clientCosts() {
	const lk = await startCast();
	const place = vault();
	try {
		const driver = new Driver(place);
		await driver.opened;
		await connect(driver, 'acme', registration(place, { issuer: lk.issuer, caFile: lk.findCa(), client: lk.web }), consenting(lk, lk.ana));
		await driver.end();
		const bench = path.join(path.dirname(BINARY), 'tests/bench/bench_client');
		return { ...JSON.parse(await must(bench, [place.vault, place.key, 'acme'])), process_ms: await wholeProcess(place) };
	} finally {
		await lk.remove();
		place.remove();
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	console.log(await clientCosts());
