// SPDX-License-Identifier: Apache-2.0
//
// Three attacks at once, until the parent ends this process: connections that send a
// byte every two seconds, bodies that never end, and wrong passwords. Each that is
// closed or refused begins anew.

import net from 'node:net';
import tls from 'node:tls';
import { randomInt } from 'node:crypto';

import { Latchkey, address, sleep } from '../lib/latchkey.mjs';

const { port, host, ca, slow, endless, signIns, username } = JSON.parse(process.argv[2]);
const counts = { slow: 0, endless: 0, signIns: 0 };
process.on('uncaughtException', () => {}); // resets are what we asked for

async function slowly() {
	for (;;) {
		await new Promise((resolve) => {
			const socket = net.connect({ port, host: '127.0.0.1', localAddress: address() });
			let timer;
			socket.on('connect', () => {
				counts.slow++;
				socket.write('\x16');
				timer = setInterval(() => socket.write('\x03'), 2000);
			});
			socket.on('error', () => {});
			socket.on('close', () => { clearInterval(timer); resolve(); });
		});
		await sleep(200);
	}
}

async function endlessly() {
	const head = `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n`;
	const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
	for (;;) {
		await new Promise((resolve) => {
			const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: Buffer.from(ca, 'base64'), localAddress: address() });
			let timer;
			socket.on('secureConnect', () => {
				counts.endless++;
				socket.write(head);
				timer = setInterval(() => socket.write(chunk), 100);
			});
			socket.on('data', () => {});
			socket.on('error', () => {});
			socket.on('close', () => { clearInterval(timer); resolve(); });
		});
		await sleep(500);
	}
}

async function wrongly() {
	const lk = new Latchkey({});
	Object.assign(lk, { port, ca: Buffer.from(ca, 'base64'), issuer: `https://${host}` });
	for (;;) {
		const browser = lk.browser();
		try {
			await browser.signIn({ username, password: `wrong-${randomInt(1e9)}` });
			counts.signIns++;
		} catch {
			await sleep(50);
		}
		lk.pool.idle.get(browser.from)?.forEach((c) => c.close());
		lk.pool.idle.delete(browser.from);
	}
}

for (let i = 0; i < slow; i++)
	slowly();
for (let i = 0; i < endless; i++)
	endlessly();
for (let i = 0; i < signIns; i++)
	wrongly();
setInterval(() => process.send(counts), 250);
