// SPDX-License-Identifier: Apache-2.0
//
// Takes back what no sync covered, all of it or any part, as a disk does whose power
// is cut: in whole sectors, in any order. The notes are powercut.c's.

import fs from 'node:fs';

const [WRITE, TRUNCATE, SYNC, NAME] = [1, 2, 3, 4];
const SECTOR = 512;

// A small generator of its own, so that a seed says which sectors went.
export function chance(seed) {
	let x = seed >>> 0 || 1;
	return () => {
		x ^= x << 13; x >>>= 0;
		x ^= x >>> 17;
		x ^= x << 5; x >>>= 0;
		return x / 2 ** 32;
	};
}

export function readNotes(path) {
	const bytes = fs.existsSync(path) ? fs.readFileSync(path) : Buffer.alloc(0);
	const notes = [];
	for (let at = 0; at + 32 <= bytes.length;) {
		const kind = bytes.readUInt32LE(at);
		const n = Number(bytes.readBigUInt64LE(at + 16));
		const copies = { [WRITE]: 2, [TRUNCATE]: 1, [SYNC]: 0, [NAME]: 1 }[kind];
		const end = at + 32 + n * copies;
		if (end > bytes.length)
			break; // the kill came while it was being noted: nothing was done yet
		notes.push({
			kind, n, file: bytes.readUInt32LE(at + 4),
			offset: Number(bytes.readBigUInt64LE(at + 8)),
			oldSize: Number(bytes.readBigUInt64LE(at + 24)),
			old: bytes.subarray(at + 32, at + 32 + n),
			fresh: copies === 2 ? bytes.subarray(at + 32 + n, end) : undefined,
		});
		at = end;
	}
	return notes;
}

// Which notes of each file no sync covers, in their order.
function uncovered(notes) {
	const covered = new Map();
	for (const note of notes)
		if (note.kind === SYNC)
			covered.set(note.file, Math.max(covered.get(note.file) ?? 0, note.offset));
	const files = new Map();
	for (const [at, note] of notes.entries()) {
		if (note.kind !== WRITE && note.kind !== TRUNCATE)
			continue;
		if (at >= (covered.get(note.file) ?? 0))
			files.set(note.file, [...files.get(note.file) ?? [], note]);
	}
	return files;
}

function takeBack(fd, note) {
	if (note.kind === WRITE)
		fs.writeSync(fd, note.old, 0, note.n, note.offset);
	else if (note.n > 0)
		fs.writeSync(fd, note.old, 0, note.n, note.offset);
	fs.ftruncateSync(fd, note.oldSize);
}

// Some of what was lost had reached the disk all the same, sector by sector.
function keepSome(fd, note, random, share) {
	if (note.kind === TRUNCATE) {
		if (random() < share)
			fs.ftruncateSync(fd, note.offset);
		return;
	}
	for (let from = 0; from < note.n; from += SECTOR)
		if (random() < share)
			fs.writeSync(fd, note.fresh, from, Math.min(SECTOR, note.n - from), note.offset + from);
}

// After the process was killed. Returns how many writes no sync covered.
export function cutPower(notesFile, random) {
	const notes = readNotes(notesFile);
	const names = new Map(notes.filter((n) => n.kind === NAME).map((n) => [n.file, n.old.toString()]));
	let lost = 0;
	for (const [file, open] of uncovered(notes)) {
		if (!fs.existsSync(names.get(file)))
			continue;
		const fd = fs.openSync(names.get(file), 'r+');
		const share = [0, 0, 0.5, 0.9][Math.floor(random() * 4)];
		for (const note of open.toReversed())
			takeBack(fd, note);
		for (const note of open)
			keepSome(fd, note, random, share);
		fs.closeSync(fd);
		lost += open.length;
	}
	fs.rmSync(notesFile, { force: true });
	return lost;
}
