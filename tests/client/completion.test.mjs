// SPDX-License-Identifier: Apache-2.0
//
// What Tab gives, in a real bash and a real zsh at a terminal (shell.py): for every option
// of the integrator's commands what fits for it, and nothing that does not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startCast } from '../lib/cast.mjs';
import { BINARY, run } from '../lib/latchkey.mjs';
import { at, consenting, Desk } from './desk.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const COMPLETION = path.join(path.dirname(BINARY), 'dist');

const lk = await startCast();
const desk = new Desk();
after(() => { desk.remove(); return lk.remove(); });
await desk.connect('acme', at(lk, lk.native), consenting(lk, lk.ana));
const other = path.join(desk.dir, 'vaults');
await desk.connect('globex', [...at(lk, lk.native), '--vault', other], consenting(lk, lk.ana));
fs.mkdirSync(path.join(desk.dir, 'certificates'));
const pem = desk.file('certificates/ours.pem', '');

// A line and what Tab makes of it (how it then ends), or a list: what is then offered.
const lines = [
	['latchkey disc', 'latchkey disconnect '],
	['latchkey client rot', 'latchkey client rotate-secret '],
	...['connect', 'secret', 'token', 'call', 'exec', 'status', 'log', 'disconnect'].map((c) => [`latchkey ${c} ac`, `latchkey ${c} acme `]),
	['latchkey token acme ac', 'acme ac'],
	[`latchkey token --vault ${other} g`, ' globex '],
	[`latchkey token --vault ${desk.dir}/vau`, `${other}/`],
	[`latchkey agent --vault ${desk.dir}/cert`, `${desk.dir}/certificates/`],
	[`latchkey status --vault ${desk.dir}/certificates/ou`, 'certificates/ou'],
	['latchkey status --vault postg', '--vault postgresql://'],
	['latchkey token acme --min-ttl ', ['30s', '5m', '1h', '1d']],
	['latchkey token acme --min-ttl 5', '--min-ttl 5m '],
	['latchkey exec acme --min-ttl 5', '--min-ttl 5m '],
	['latchkey connect acme --timeout 5', '--timeout 5m '],
	['latchkey call acme -m 5', '-m 5m '],
	['latchkey connect acme --key ', ['keyring', 'credential:', 'file:', 'passphrase']],
	['latchkey connect acme --key fi', '--key file:'],
	['latchkey agent --key cred', '--key credential:'],
	[`latchkey connect acme --key file:${desk.dir}/certificates/ou`, `--key file:${pem} `],
	[`latchkey agent --key=file:${desk.dir}/certificates/ou`, `--key=file:${pem} `],
	[`latchkey connect acme --ca-file ${desk.dir}/certificates/ou`, `--ca-file ${pem} `],
	[`latchkey connect acme --ca-file=${desk.dir}/certificates/ou`, `--ca-file=${pem} `],
	[`latchkey connect acme --client-secret-file ${desk.dir}/certificates/ou`, `${pem} `],
	[`latchkey secret acme --client-secret-file ${desk.dir}/certificates/ou`, `${pem} `],
	['latchkey connect acme --client-secret', '--client-secret-f'], // and never itself
	...['client-id', 'scope', 'client-secret-fd'].map((o) => [`latchkey connect acme --${o} `, `--${o} `]),
	...['issuer', 'resource', 'redirect-uri', 'authorization-endpoint', 'token-endpoint', 'revocation-endpoint'].map((o) => [`latchkey connect acme --${o} h`, `--${o} https://`]),
	['latchkey connect acme --parameter pro', '--parameter prompt='],
	['latchkey call acme -X P', ['PUT', 'POST', 'PATCH']],
	['latchkey call acme -XDE', '-XDELETE '],
	['latchkey call acme --request=DE', '--request=DELETE '],
	['latchkey call acme -H Cont', '-H Content-Type:'],
	['latchkey call acme --header Acc', '--header Accept:'],
	[`latchkey call acme -d @${desk.dir}/certificates/ou`, new RegExp(`-d \\\\?@${pem} $`)], // bash quotes it, which is the same
	[`latchkey call acme -o ${desk.dir}/certificates/ou`, `-o ${pem} `],
	[`latchkey call acme --ca-file ${desk.dir}/certificates/ou`, `${pem} `],
	['latchkey call acme ht', 'call acme https://'],
	['latchkey exec acme --fd ', '--fd '],
	['latchkey agent --passphrase-fd ', '--passphrase-fd '],
	['latchkey exec acme ', 'exec acme -- '],
	['latchkey exec acme -- mkfif', '-- mkfifo '],
	[`latchkey exec acme --socket -- cat ${desk.dir}/certificates/ou`, `cat ${pem} `],
	['latchkey exec acme -- latchkey call acme --outp', /-- latchkey call acme --output[ =]$/],
	['latchkey client add --type pu', '--type public '],
];

for (const shell of ['bash', 'zsh'])
	describe(`${shell} completes`, { skip: spawnSync(shell, ['-c', '']).error ? `there is no ${shell}` : false }, () => {
		let told;
		before(async () => {
			const script = path.join(import.meta.dirname, 'shell.py');
			const { status, stdout, stderr } = await run('python3', [script, shell, COMPLETION, JSON.stringify(lines.map(([typed]) => typed))],
				{ env: { ...desk.env, PATH: `${path.dirname(BINARY)}:${process.env.PATH}` }, timeoutMs: 90000 });
			assert.equal(status, 0, stderr);
			told = JSON.parse(stdout);
		});
		for (const [i, [typed, wanted]] of lines.entries())
			test(typed.replaceAll(desk.dir, '...'), () => {
				const { line, listed } = told[i];
				if (Array.isArray(wanted))
					assert.deepEqual(wanted.filter((w) => !listed.includes(w)), [], `${listed}`);
				else
					assert.ok(wanted instanceof RegExp ? wanted.test(line) : line.endsWith(wanted), `'${line}' is not '${wanted}'`);
			});
	});

test('completion knows every command of the program', () => {
	const names = [...fs.readFileSync(path.join(ROOT, 'src/cli/commands.def'), 'utf8').matchAll(/^COMMAND\((\w+)\)$/gm)]
		.map(([, name]) => name.replace('_', ' ').replace(/_/g, '-'));
	assert.ok(names.length > 40);
	for (const file of ['latchkey.bash', '_latchkey']) {
		const text = fs.readFileSync(path.join(COMPLETION, file), 'utf8');
		for (const name of names)
			assert.ok(text.includes(`'${name}')`), `${name} is not in ${file}`);
	}
});

test('every option of --help is offered by both, with its sentence by zsh, save what is there to be refused', async () => {
	const [bash, zsh] = ['latchkey.bash', '_latchkey'].map((n) => fs.readFileSync(path.join(COMPLETION, n), 'utf8'));
	for (const command of ['connect', 'secret', 'token', 'call', 'exec', 'status', 'log', 'disconnect', 'agent']) {
		const { stdout } = await desk.ends(0, command, '--help');
		const [, offered] = new RegExp(`^\\t'${command}'\\) echo '(.*)' ;;$`, 'm').exec(bash);
		const known = [...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)(?: .*?)?(?: {2,}(.*))?$/gm)].filter(([, , told]) => !told?.startsWith('refused:'));
		assert.deepEqual(offered.split(' '), known.map(([, name]) => `--${name}`));
		const [of] = new RegExp(`^\\t'${command}'\\)$[^]*?;;$`, 'm').exec(zsh);
		for (const [, name, told] of known)
			assert.ok(of.includes(`--${name}`) && of.includes(`[${(told ?? '').slice(0, 12).replace(':', '\\:')}`), `${command} --${name}`);
	}
});
