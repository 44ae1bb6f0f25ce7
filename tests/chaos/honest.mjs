// SPDX-License-Identifier: Apache-2.0
//
// Honest traffic in a process of its own, so that what else the test does is not taken
// for the server's time. Told by its parent: {lk, token, rate}, then "go" and "stop" as
// often as it likes; tells the times of each stretch.

import { load } from '../ops/load.mjs';

let story;
let stop;
process.on('message', async (m) => {
	if (m.lk) {
		story = m;
	} else if (m === 'go') {
		stop = load({ ...story.lk, ca: Buffer.from(story.lk.ca, 'base64') }, story.token, [story.lk.port], story.rate);
	} else if (m === 'stop') {
		process.send(await stop());
	} else {
		process.exit(0);
	}
});
process.send('ready');
