// SPDX-License-Identifier: Apache-2.0
//
// The bench's section about PostgreSQL: its tables, and its chart (refreshes a second
// beside pgbench's updates). It stands between its mark and that of the notes.

import fs from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { findBin } from '../lib/postgres.mjs';
import { CONNECTIONS, median } from './measure.mjs';
import { number } from './report.mjs';

const PAGE = 'docs/BENCHMARKS.md';
const TABLE = [1, 8, CONNECTIONS];

const middle = (list, what) => median(list.map((r) => r[what]));
const ratio = (list, floor, what) => median(list.map((r, i) => r[what] / floor[i][what]));
const rows = (all) => all.map((r) => `| ${r.join(' | ')} |`).join('\n');

// ---- against pgbench ---------------------------------------------------------------

const pair = (all, ours, theirs) => [all[ours], all[theirs]];

function floorRow(name, all, ours, theirs) {
	const [a, b] = pair(all, ours, theirs);
	return [name, number(middle(b, 'per_second')), number(middle(a, 'per_second')), ratio(a, b, 'per_second').toFixed(2),
		a.map((r, i) => (r.per_second / b[i].per_second).toFixed(2)).join(', '),
		number(middle(b, 'database_us'), 1), number(middle(a, 'database_us'), 1), number(middle(a, 'cpu_us'), 1),
		...(a[0].batch ? [number(middle(a, 'batch'), 1), `${number(100 * middle(a, 'recalled'))} %`] : ['', ''])];
}

function floorTable(words, all) {
	return [`| ${words} | pgbench/s | Latchkey/s | ratio | in each round | PostgreSQL's CPU us: pgbench | Latchkey | node's CPU us | refreshes a commit | of remembered rows |`,
		'| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |',
		rows([...TABLE.flatMap((n) => ['refresh', 'refresh, read first'].map((what) =>
			floorRow(`${what}, ${n} client${n > 1 ? 's' : ''}`, all, `${what}, ${n}`, `pgbench: update, ${n}`))),
			floorRow(`introspection, ${CONNECTIONS} clients`, all, `introspection, ${CONNECTIONS}`, `pgbench: select, ${CONNECTIONS}`)])].join('\n');
}

function nodesTable(all) {
	const line = (n) => ['refresh', 'introspection'].flatMap((what) => {
		const [a, one] = pair(all, `${what}, ${CONNECTIONS}${n > 1 ? `, ${n} nodes` : ''}`, `${what}, ${CONNECTIONS}`);
		return [number(middle(a, 'per_second')), ratio(a, one, 'per_second').toFixed(2), number(middle(a, 'database_us'), 1)];
	});
	return [`| nodes, ${CONNECTIONS} clients in all | refreshes/s | against one | PostgreSQL's CPU us | introspections/s | against one | PostgreSQL's CPU us |`,
		'| --- | ---: | ---: | ---: | ---: | ---: | ---: |', rows([1, 2, 3].map((n) => [n, ...line(n)]))].join('\n');
}

// ---- size ------------------------------------------------------------------------

function sizeTable(m) {
	return ['| size, growth and a node | measured | budget |', '| --- | ---: | ---: |', rows([
		...m.sizes.flatMap((s) => [
			[`${s.what}, requests a second, ${number(m.many)} grants against ${number(m.few)}`, s.rate.toFixed(2), 'at least 0.8'],
			['the same in PostgreSQL\'s CPU a request', s.database.toFixed(2), ''],
			['the same in the node\'s CPU a request', s.cpu.toFixed(2), ''],
		]),
		['a grant with its indexes', `${number(m.bytesAGrant)} bytes`, 'below 400 (SQLite\'s; see above)'],
		[`\`grants\` after ${number(m.refreshes)} refreshes and VACUUM`, `${number(m.grown)} bytes larger, ${number(m.grown / m.refreshes, 3)} a refresh`, '0'],
		['resident memory of an idle node', `${number(m.costs.idle)} kB`, 'below 10,000'],
		['of it the process\'s own', `${number(m.costs.idleOwn)} kB`, ''],
		['start of a node to its first answer over TLS', `${number(m.costs.start, 1)} ms`, 'below 50'],
	])].join('\n');
}

// ---- the chart -------------------------------------------------------------------

function chart(m) {
	const bars = [['on the disk of a standby', m.standby], ['on the own disk', m.alone]].flatMap(([where, all]) =>
		TABLE.flatMap((n) => [[`pgbench, ${n}, ${where}`, all[`pgbench: update, ${n}`], '#8a8f98'],
			[`refresh, ${n}, ${where}`, all[`refresh, ${n}`], '#1f6f5c']]));
	const widest = Math.max(...bars.map(([, list]) => middle(list, 'per_second')));
	const drawn = bars.map(([name, list, colour], i) => {
		const y = 46 + i * 26 + Math.floor(i / 2) * 8, rate = middle(list, 'per_second'), width = Math.max(2, (rate / widest) * 400);
		return `<text x="262" y="${y + 14}" text-anchor="end">${name}</text>`
			+ `<rect x="270" y="${y}" width="${width.toFixed(1)}" height="20" rx="3" fill="${colour}"/>`
			+ `<text x="${(276 + width).toFixed(1)}" y="${y + 14}">${number(rate)}</text>`;
	});
	return `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${60 + bars.length * 30}" font-family="sans-serif" font-size="13" fill="#222">`
		+ '<rect width="100%" height="100%" fill="#fff"/>'
		+ '<text x="16" y="26" font-size="15" font-weight="bold">Durable changes a second on PostgreSQL, by clients (longer is better)</text>'
		+ `${drawn.join('')}</svg>\n`;
}

// ---- the section -----------------------------------------------------------------

function section(m, { rounds, seconds, settings }) {
	const version = execFileSync(path.join(findBin(), 'postgres'), ['--version'], { encoding: 'utf8' }).trim().replace(/ \(Debian.*/, '');
	return `## PostgreSQL

Written on ${new Date().toISOString().slice(0, 10)}: ${rounds} rounds of ${seconds} s, one order and the other, after one that warms up;
medians; ratios taken within a round. ${version.replace('postgres (PostgreSQL)', 'PostgreSQL')}, primary and standby on one disk,
${Object.entries(settings).map(([k, v]) => `\`${k} = ${v}\``).join(', ')}, all else as it comes. Clients, nodes, pgbench and
both PostgreSQLs share the two processors, so CPU is spent on one at the other's cost. A node has one worker; clients
speak TLS to it, and it and pgbench speak TCP to the primary. pgbench runs a script that updates (selects) one random row
by its primary key, prepared; its table has as many rows, of the same ${number(m.width)} bytes, with the same room on their pages.
A node remembers the grants it wrote last and refreshes those without reading them; "read first" is one that has memory
for next to none (\`database_cache = 1\`).

![Refreshes on PostgreSQL beside pgbench](benchmarks-postgres.svg)

Acknowledged by the disk of a standby (\`synchronous_standby_names = 'ANY 1 (*)'\`), which is what
[POSTGRESQL.md](POSTGRESQL.md) tells you to run:

${floorTable('both disks', m.standby)}

Acknowledged by the primary's own disk, without a standby:

${floorTable('own disk', m.alone)}

Several nodes on the same two processors: what they cost, not what they add.

${nodesTable(m.standby)}

${sizeTable(m)}
`;
}

export function writePostgres(m, how) {
	const text = section(m, how);
	if (how.files) {
		const [head, notes] = fs.readFileSync(PAGE, 'utf8').split('<!-- notes -->');
		fs.writeFileSync(PAGE, `${head.split('<!-- postgres -->')[0]}<!-- postgres -->\n\n${text}<!-- notes -->${notes}`);
		fs.writeFileSync('docs/benchmarks-postgres.svg', chart(m));
	}
	return text;
}
