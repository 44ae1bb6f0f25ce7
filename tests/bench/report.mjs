// SPDX-License-Identifier: Apache-2.0
//
// The bench's table and chart: Markdown for the docs, SVG by hand (bars of server
// CPU a request; shorter is better).

import fs from 'node:fs';
import os from 'node:os';
import { execFileSync } from 'node:child_process';

export const number = (n, digits = 0) => n.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });

function machine() {
	const release = fs.readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)[1];
	const openssl = execFileSync('openssl', ['version'], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ');
	const nginx = execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }).trim().split('/')[1];
	return `${release}, kernel ${os.release()}, ${os.cpus().length} x ${os.cpus()[0].model.trim()}, `
		+ `${Math.round(os.totalmem() / 2 ** 30)} GB, ${openssl}, nginx ${nginx}, node ${process.version}`;
}

function table(rows) {
	const lines = rows.map((r) => `| ${r.name} | ${number(r.perSecond)} | ${number(r.cpu, 1)} | ${number(r.p50 / 1000, 2)}`
		+ ` | ${number(r.p99 / 1000, 2)} | ${r.ratio.toFixed(2)} |`);
	return ['| workload | requests/s | server CPU us/request | p50 ms | p99 ms | nginx CPU / its CPU |',
		'| --- | ---: | ---: | ---: | ---: | ---: |', ...lines].join('\n');
}

function chart(rows) {
	const shown = rows.filter((r) => !r.name.includes('new connection'));
	const widest = Math.max(...shown.map((r) => r.cpu));
	const bars = shown.map((r, i) => {
		const y = 46 + i * 30, width = Math.max(2, (r.cpu / widest) * 420);
		const colour = r.name.startsWith('nginx') ? '#8a8f98' : r.name.startsWith('oidc') ? '#c98a3a' : '#1f6f5c';
		return `<text x="232" y="${y + 14}" text-anchor="end">${r.name}</text>`
			+ `<rect x="240" y="${y}" width="${width.toFixed(1)}" height="20" rx="3" fill="${colour}"/>`
			+ `<text x="${(246 + width).toFixed(1)}" y="${y + 14}">${number(r.cpu, 1)} us</text>`;
	});
	return `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${66 + shown.length * 30}" font-family="sans-serif" font-size="13" fill="#222">`
		+ '<rect width="100%" height="100%" fill="#fff"/>'
		+ '<text x="16" y="26" font-size="15" font-weight="bold">Server CPU a request over TLS, keep-alive (shorter is better)</text>'
		+ `${bars.join('')}</svg>\n`;
}

// What is measured, the figure, and the budget it has to keep.
function growthTable(g) {
	const rows = [
		...[['introspections', 'introspection'], ['refreshes', 'refresh']].flatMap(([words, what]) => [
			[`${words} a second, ${number(g.many)} grants against ${number(g.few)}`, g.ratio.rate[what].toFixed(2), 'at least 0.8'],
			['the same in server CPU a request', g.ratio.cpu[what].toFixed(2), ''],
		]),
		['a grant on disk', `${number(g.bytesAGrant)} bytes`, 'below 400'],
		[`the database after ${number(g.refreshes)} more refreshes`, `${number(g.grown)} bytes larger`, '0'],
		['the store alone, 64 refreshes under way', `${number(g.floor.perSecond)}/s, ${number(g.floor.cpu, 1)} us CPU`, ''],
		['refresh over TLS against the store alone', (g.refresh.perSecond / g.floor.perSecond).toFixed(2), 'at least 0.5'],
		['resident memory when idle', `${number(g.idle)} kB`, 'below 10,000'],
		['of it the process\'s own; the rest are pages of libraries, in the file cache', `${number(g.idleOwn)} kB`, ''],
		['an idle connection kept alive', `${number(g.connection)} bytes`, 'below 16,384'],
		['start to first answer over TLS', `${number(g.start, 1)} ms`, 'below 50'],
	];
	return ['| size and growth | measured | budget |', '| --- | ---: | ---: |',
		...rows.map((r) => `| ${r.join(' | ')} |`)].join('\n');
}

function clientTable(c) {
	const rows = [
		['lk_token, token in memory', `${number(c.hot_ns, 1)} ns`, 'below 100 ns'],
		['the same, each of two threads', `${number(c.hot_two_threads_ns, 1)} ns`, ''],
		['of it reading the clock', `${number(c.clock_ns, 1)} ns`, ''],
		['lk_token of a connection just opened, without an agent', `${number(c.cold_us, 1)} us`, 'below 100 us'],
		['lk_open and lk_close', `${number(c.open_us, 1)} us`, ''],
		['`latchkey token NAME`, the whole process', `${number(c.process_ms, 1)} ms`, 'below 10 ms'],
	];
	return ['| the integrator\'s side | measured | budget |', '| --- | ---: | ---: |',
		...rows.map((r) => `| ${r.join(' | ')} |`)].join('\n');
}

export function write(rows, memory, growth, client, { rounds, seconds, connections, files }) {
	const text = `${table(rows)}\n\nResident memory of latchkey: ${number(memory.idle)} kB when idle, ${number(memory.after)} kB after the run; `
		+ `of oidc-provider: ${number(memory.provider)} kB.\n\n`
		+ `## Size and growth\n\n${growthTable(growth)}\n\n## The integrator's side\n\n${clientTable(client)}\n`;
	if (files) {
		fs.writeFileSync('docs/benchmarks.svg', chart(rows));
		const old = fs.existsSync('docs/BENCHMARKS.md') ? fs.readFileSync('docs/BENCHMARKS.md', 'utf8') : '';
		const postgres = /<!-- postgres -->[^]*<!-- notes -->/.exec(old)?.[0] ?? '<!-- notes -->';
		const notes = old.split('<!-- notes -->')[1] ?? '\n';
		fs.writeFileSync('docs/BENCHMARKS.md', `# Benchmarks

\`make bench\` wrote this page on ${new Date().toISOString().slice(0, 10)}: ${rounds} interleaved rounds of ${seconds} s,
${connections} connections, closed loop; server on one processor, load on the other; medians.
The honest figure is server CPU a request: on two processors the load generator is often
the limit. The last column is taken within each round: 1.00 means as cheap as nginx
answering a constant.

Machine: ${machine()}

![Server CPU a request](benchmarks.svg)

${text}
nginx answers \`return 200\`, reads no body and decides nothing. oidc-provider keeps
everything in memory, so nothing it acknowledges survives a crash; every refresh and code
here is on the disk before its answer leaves. Against few means server CPU a request with
few grants divided by that with many: 1.00 means that size costs nothing.
${postgres}${notes}`);
	}
	return text;
}
