// SPDX-License-Identifier: Apache-2.0
//
// A real Chromium that trusts the development CA as a person's would: through
// the certificate store of its own home directory. Certificate errors are never
// ignored. Whatever it complains about (console, policy, failed loads) is kept,
// and a test that ends with a complaint fails.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { freePort, run, SLOW } from './latchkey.mjs';
import { parseForm } from './form.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const SHOTS = path.join(ROOT, 'artefacts/browser');
const AXE = path.join(ROOT, 'tests/node_modules/axe-core/axe.min.js');

export const DESKTOP = { width: 1280, height: 860 };
export const PHONE = { width: 360, height: 740 };
export const NARROW = { width: 320, height: 640 };

const ARGUMENTS = [
	'--disable-background-networking', '--disable-component-update', '--disable-sync',
	'--no-first-run', '--disable-quic', '--disable-dev-shm-usage',
	...(process.getuid() === 0 ? ['--no-sandbox'] : []),
];

// An NSS store, which is where Chromium on Linux looks for a person's own CAs.
async function trust(home, ca) {
	const store = path.join(home, '.pki/nssdb');
	fs.mkdirSync(store, { recursive: true });
	for (const args of [
		['-N', '--empty-password'],
		['-A', '-n', 'latchkey-development', '-t', 'C,,', '-i', ca],
	]) {
		const made = await run('certutil', [...args, '-d', `sql:${store}`]);
		assert.equal(made.status, 0, `certutil (Debian: libnss3-tools): ${made.stderr}`);
	}
}

export class Chrome {
	static async start(lk, { trusting = true } = {}) {
		const home = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-chrome-'));
		if (trusting)
			await trust(home, lk.findCa());
		const browser = await chromium.launch({
			executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
			args: ARGUMENTS,
			env: { ...process.env, HOME: home },
		});
		return Object.assign(new Chrome(), { lk, home, browser });
	}

	async stop() {
		await this.browser.close();
		fs.rmSync(this.home, { recursive: true, force: true });
	}

	// A person with a browser of their own (cookies, complaints).
	async person({ size = DESKTOP, dark = false, script = true, ...more } = {}) {
		const context = await this.browser.newContext({
			viewport: size, colorScheme: dark ? 'dark' : 'light',
			javaScriptEnabled: script, ...more,
		});
		context.setDefaultTimeout(15000 * SLOW);
		return new Person(this.lk, context, `${size.width}${dark ? '-dark' : ''}`);
	}

	// Runs a test as a person, who must have had nothing to complain about.
	async as(how, story) {
		const person = await this.person(how);
		try {
			await story(person);
			assert.deepEqual(person.complaints, []);
		} finally {
			await person.context.close();
		}
	}
}

class Person {
	constructor(lk, context, look) {
		Object.assign(this, { lk, context, look, complaints: [] });
	}

	async tab() {
		const page = await this.context.newPage();
		let document;
		page.on('response', (r) => {
			if (r.request().isNavigationRequest())
				document = r.url();
			else if (r.status() >= 400)
				this.complaints.push(`${r.status()} ${r.url()}`);
		});
		// That the page itself is an error page is no complaint.
		page.on('console', (m) => {
			if (!m.text().startsWith('Failed to load resource') || m.location().url !== document)
				this.complaints.push(`console: ${m.text()} (${m.location().url})`);
		});
		page.on('pageerror', (e) => this.complaints.push(`error: ${e.message}`));
		await page.addInitScript(() => document.addEventListener('securitypolicyviolation',
			(e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)));
		return page;
	}

	async open(target) {
		const page = await this.tab();
		await page.goto(target.startsWith('/') ? this.lk.issuer + target : target);
		return page;
	}

	// A picture to look at, and what a machine can see in it.
	async look_at(page, name) {
		fs.mkdirSync(SHOTS, { recursive: true });
		await page.screenshot({ path: path.join(SHOTS, `${name}-${this.look}.png`), fullPage: true });
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		assert.ok(wide <= 0, `${name}: ${wide} px wider than the window`);
		const small = await page.evaluate(() => [...document.querySelectorAll(
			'button, a, summary, label.choice, input:not([type=hidden]):not([type=radio])')]
			.filter((e) => e.getBoundingClientRect().height < 44)
			.map((e) => e.outerHTML));
		assert.deepEqual(small, [], `${name}: targets below 44 px`);
	}

	// WCAG 2.2 A and AA, as far as axe can judge.
	async judge(page, name) {
		await page.evaluate(() => document.querySelectorAll('details').forEach((d) => { d.open = true; }));
		await page.evaluate(fs.readFileSync(AXE, 'utf8'));
		const report = await page.evaluate(() => window.axe.run({
			runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
		}));
		assert.ok(report.passes.length > 15, `${name}: axe judged ${report.passes.length} rules`);
		assert.deepEqual(report.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target)}`), [], name);
	}

	async signIn(page, user) {
		await page.getByLabel('Username').fill(user.username);
		await page.getByLabel('Password').fill(user.password);
		await page.getByRole('button', { name: 'Sign in' }).click();
	}
}

// The partner's web app, on a port of its own: it only notes what it is sent.
export class Partner {
	static async start(lk) {
		const partner = new Partner();
		partner.port = await freePort();
		partner.received = [];
		partner.server = https.createServer({
			cert: fs.readFileSync(path.join(lk.data, 'tls-cert.pem')),
			key: fs.readFileSync(path.join(lk.data, 'tls-key.pem')),
		}, (request, response) => partner.answer(request, response));
		await new Promise((resolve) => partner.server.listen(partner.port, '127.0.0.1', resolve));
		return partner;
	}

	get uri() {
		return `https://localhost:${this.port}/callback`;
	}

	async answer(request, response) {
		let body = '';
		for await (const chunk of request)
			body += chunk;
		const [target, query = ''] = request.url.split('?');
		if (target === '/callback')
			this.received.push({
				method: request.method,
				...Object.fromEntries(parseForm(request.method === 'POST' ? body : query)),
			});
		response.setHeader('Content-Type', 'text/html; charset=utf-8');
		response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,">'
			+ '<title>Partner</title><h1>Received</h1></html>');
	}

	last() {
		return this.received.at(-1);
	}

	async stop() {
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}
}

export const atPartner = (page, partner) => page.waitForURL(`${partner.uri}**`);
