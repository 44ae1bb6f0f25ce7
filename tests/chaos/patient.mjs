// SPDX-License-Identifier: Apache-2.0
//
// A client that knows what 503 means: it may have been done or not, try again later.
// What it asks meanwhile says nothing until the dust has settled, for a statement that
// was on its way when a database froze may still be carried out when it thaws.

import { Client } from '../crash/clients.mjs';
import { sleep } from '../lib/latchkey.mjs';

const DUST_MS = 3000;

const unsure = (answer) => answer === null || answer.status === 503 || answer.status === 500;

export class PatientClient extends Client {
	async call(...request) {
		const answer = await super.call(...request);
		if (!unsure(answer))
			return answer;
		this.drop();
		this.run.unsure++;
		this.inDust = Date.now() + DUST_MS;
		await sleep(50);
		return null;
	}

	async authorize() {
		try {
			return await super.authorize();
		} catch {
			await sleep(200); // no code: nothing was promised
			return undefined;
		}
	}

	async look(grant, token) {
		for (;;) {
			if (this.inDust > Date.now())
				await sleep(this.inDust - Date.now());
			const began = this.inDust;
			const event = await super.look(grant, token);
			if (this.inDust === began)
				return event;
			this.run.history.splice(this.run.history.lastIndexOf(event), 1); // asked in the dust
		}
	}
}
