// SPDX-License-Identifier: Apache-2.0
//
// An operator's own name, colours, logo and template; a client's logo; an issuer
// with a path. And that this house's browser would notice what it must notice.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';

import { Chrome, PHONE } from '../lib/chrome.mjs';
import { connect, stage } from './stage.mjs';

// A square PNG of one colour with a lighter square in it.
function picture(side, [r, g, b]) {
	const chunk = (type, data) => {
		const body = Buffer.concat([Buffer.from(type), data]);
		const around = Buffer.alloc(8);
		around.writeUInt32BE(data.length, 0);
		around.writeUInt32BE(crc32(body), 4);
		return Buffer.concat([around.subarray(0, 4), body, around.subarray(4)]);
	};
	const header = Buffer.alloc(13);
	header.writeUInt32BE(side, 0);
	header.writeUInt32BE(side, 4);
	header.set([8, 2], 8);
	const rows = Buffer.alloc(side * (1 + side * 3));
	for (let y = 0; y < side; y++)
		for (let x = 0; x < side; x++) {
			const inside = [x, y].every((at) => at > side / 4 && at < (side * 3) / 4);
			rows.set(inside ? [255, 255, 255] : [r, g, b], y * (1 + side * 3) + 1 + x * 3);
		}
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
		chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

const own = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-brand-'));
fs.chmodSync(own, 0o755);
fs.writeFileSync(path.join(own, 'logo.png'), picture(96, [32, 64, 160]));
fs.writeFileSync(path.join(own, 'client.png'), picture(128, [180, 60, 40]));
fs.writeFileSync(path.join(own, 'brand.json'), JSON.stringify({
	name: 'Northwind Pay', accent: '#2040a0', accent_dark: '#9db4ff', logo: 'logo.png',
}));
fs.writeFileSync(path.join(own, 'foot.html'), '<footer><p>Northwind Pay, Leipzig</p></footer>\n</body>\n</html>\n');
after(() => fs.rmSync(own, { recursive: true }));

const lk = await stage({
	issuerPath: '/pay', conf: { pages_dir: own }, webClient: { 'logo-file': path.join(own, 'client.png') },
});

for (const dark of [false, true])
	test(`an operator's brand, and a client's logo from our own origin${dark ? ', in the dark' : ''} (U-03, R4.1)`, () =>
		lk.chrome.as({ size: PHONE, dark }, async (person) => {
			const page = await person.open(connect(lk).url);
			assert.equal(await page.locator('.site-name').innerText(), 'Northwind Pay');
			assert.match(await page.locator('footer').innerText(), /Leipzig/);
			assert.equal(await page.getByRole('button').evaluate((e) => getComputedStyle(e).backgroundColor),
				dark ? 'rgb(157, 180, 255)' : 'rgb(32, 64, 160)');
			await person.signIn(page, lk.nadia);
			await page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
			await page.waitForLoadState('load'); // the button is there before the pictures are
			const images = await page.evaluate(() => [...document.images].map((i) => [i.src, i.naturalWidth]));
			assert.deepEqual(images.map(([, width]) => width), [96, 128, 96]);
			assert.ok(images.every(([src]) => src.startsWith(`${lk.issuer}/`)), images.join(' '));
			await person.look_at(page, 'brand');
			await person.judge(page, 'brand');
		}));

test('what the policy forbids is blocked, and this browser tells (U-01)', async () => {
	const person = await lk.chrome.person();
	const page = await person.open('/account');
	assert.deepEqual(person.complaints, []);
	await page.evaluate(() => {
		document.body.insertAdjacentHTML('beforeend', '<img src="https://evil.example/x.png" alt="">');
		const script = document.createElement('script');
		script.textContent = 'window.ran = true';
		document.body.append(script);
	});
	await lk.eventually('two complaints', () => ['img-src', 'script-src'].every((directive) =>
		person.complaints.some((c) => c.includes(`policy: ${directive}`))));
	assert.equal(await page.evaluate(() => window.ran), undefined);
	await person.context.close();
});

test('a browser that does not know the CA is turned away: nothing here ignores certificates', async () => {
	const stranger = await Chrome.start(lk, { trusting: false });
	try {
		const person = await stranger.person();
		await assert.rejects(person.open('/account'), /ERR_CERT_AUTHORITY_INVALID/);
	} finally {
		await stranger.stop();
	}
});
