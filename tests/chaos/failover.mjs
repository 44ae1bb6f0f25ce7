// SPDX-License-Identifier: Apache-2.0
//
// What an operator does when the primary dies: the standby that has most is promoted,
// the other follows it, and in place of the dead one a new standby is made.

import { sleep, SLOW } from '../lib/latchkey.mjs';
import { mustSql, sql } from '../lib/postgres.mjs';
import { QUORUM } from '../postgres/stage.mjs';

// How far a standby has come, as a number.
async function reached(standby) {
	const [[bytes]] = await mustSql(standby.url,
		"SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')");
	return Number(bytes);
}

export async function walSenders(primary) {
	const rows = await sql(primary.url, 'SELECT pid FROM pg_stat_replication');
	return (rows ?? []).map(([pid]) => Number(pid));
}

// From when a standby acknowledges what the new primary commits.
async function isFollowed(primary) {
	for (const end = Date.now() + 30000 * SLOW; Date.now() < end; await sleep(20))
		if ((await sql(primary.url, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))?.length)
			return;
	throw new Error(`no standby follows the new primary:\n${primary.log}`);
}

// stall: the primary's words to its standbys are held back that long before its end.
export async function failOver(topology, { stall = 0 } = {}) {
	const dead = topology.primary;
	if (stall > 0) {
		dead.signal('SIGSTOP', await walSenders(dead));
		await sleep(stall);
	}
	await dead.kill();
	await sleep(100); // what was sent has arrived
	const far = await Promise.all(topology.standbys.map(reached));
	const first = far[0] >= far[1] ? 0 : 1;
	const [chosen, other] = [topology.standbys[first], topology.standbys[1 - first]];
	chosen.promote();
	await mustSql(other.url, `ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=${chosen.port} user=latchkey application_name=s'`);
	await mustSql(other.url, 'SELECT pg_reload_conf()');
	topology.primary = chosen;
	topology.standbys = [other];
	await isFollowed(chosen);
	topology.standbys.push(await chosen.standby('s', QUORUM, dead.port));
	await dead.remove();
}
