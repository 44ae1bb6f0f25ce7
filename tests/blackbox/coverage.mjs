#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
//
// Which rules of the rulebook have a passing case, which have none, and why.
//
//   coverage.mjs TAP...     reads what node --test --test-reporter=tap wrote, and what
//                           the unit tests printed (their names begin as CL_05_...)
//
// Prints a line a section and the rules without a case. Speaks TAP itself, one
// test a section, so that a rule with neither case nor reason fails the run.

import fs from 'node:fs';

const here = (name) => new URL(name, import.meta.url);
const sections = JSON.parse(fs.readFileSync(here('rules.json'), 'utf8'));
const reasons = JSON.parse(fs.readFileSync(here('rules-not-covered.json'), 'utf8'));
const known = new Set(Object.values(sections).flatMap((s) => Object.keys(s)));

// Every test's result by the rules its name begins with; subtests count as their
// own, a skipped test as none.
function results(files) {
	const passed = new Map();
	const failed = new Map();
	for (const file of files)
		for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
			const m = /^\s*(not ok|ok) \d+ - (.*)$/.exec(line);
			if (!m || /# SKIP/i.test(line))
				continue;
			const into = m[1] === 'ok' ? passed : failed;
			for (const rule of rulesOf(m[2]))
				into.set(rule, (into.get(rule) ?? 0) + 1);
		}
	return { passed, failed };
}

function rulesOf(name) {
	const out = [];
	for (const word of name.split(' ')) {
		if (!/^([A-Z]{1,2}-\d\d|A[234]|R\d\.\d|D\d+)$/.test(word))
			break;
		if (known.has(word))
			out.push(word);
	}
	return out;
}

const { passed, failed } = results(process.argv.slice(2));
const total = { covered: 0, excused: 0, rules: 0 };
let n = 0;

for (const [section, rules] of Object.entries(sections)) {
	const ids = Object.keys(rules);
	const covered = ids.filter((r) => passed.has(r) && !failed.has(r));
	const broken = ids.filter((r) => failed.has(r));
	const excused = ids.filter((r) => !passed.has(r) && !failed.has(r) && reasons[r]);
	const missing = ids.filter((r) => !passed.has(r) && !failed.has(r) && !reasons[r]);
	const idle = ids.filter((r) => reasons[r] && (passed.has(r) || failed.has(r)));
	const cases = ids.reduce((sum, r) => sum + (passed.get(r) ?? 0) + (failed.get(r) ?? 0), 0);
	console.log(`# section ${section}: ${covered.length} of ${ids.length} rules have a passing case (${cases} cases)`);
	for (const r of excused)
		console.log(`#   ${r} (${rules[r]}): no case: ${reasons[r]}`);
	for (const r of missing)
		console.log(`#   ${r} (${rules[r]}): NO CASE AND NO REASON`);
	for (const r of broken)
		console.log(`#   ${r} (${rules[r]}): ${failed.get(r)} of ${(passed.get(r) ?? 0) + failed.get(r)} cases FAIL`);
	for (const r of idle)
		console.log(`#   ${r}: has a case, so its reason in rules-not-covered.json is out of date`);
	const good = missing.length === 0 && idle.length === 0;
	console.log(`${good ? 'ok' : 'not ok'} ${++n} - rules of section ${section} have a case or a reason`);
	total.covered += covered.length;
	total.excused += excused.length;
	total.rules += ids.length;
}
console.log(`1..${n}`);
console.log(`# rule coverage: ${total.covered} of ${total.rules} rules have a passing case, ${total.excused} have none for a stated reason`);
process.exitCode = total.covered + total.excused === total.rules ? 0 : 1;
