// SPDX-License-Identifier: Apache-2.0
//
// Behind a proxy the operator named (proxy_listen, H-06): who asks is who the proxy says
// it is, and failures are counted by them.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { form, forms, freePort, Latchkey, requestBytes } from '../lib/latchkey.mjs';
import { Connection } from '../lib/http.mjs';

const port = await freePort();
const lk = await Latchkey.start({ conf: { proxy_listen: `127.0.0.1:${port}`, proxies: '127.0.0.1', sign_in_address_failures: 5 } });
after(() => lk.remove());
await lk.user({ username: 'vera' });

async function ask(peer, method, target, { headers = [], body } = {}) {
	const c = await Connection.open({ port, plain: true });
	await c.send(requestBytes({ method, target, host: lk.host, body, headers: [['X-Forwarded-For', `192.0.2.1, ${peer}`], ...headers] }));
	const answer = await c.read({ method, target });
	c.close();
	return answer;
}

async function signIn(peer, password) {
	const page = await ask(peer, 'GET', '/signin');
	const cookie = page.all('set-cookie').map((s) => s.split(';')[0]).join('; ');
	const hidden = forms(page.text)[0].controls.filter((c) => c.type === 'hidden').map((c) => [c.name, c.value]);
	return ask(peer, 'POST', '/signin', { body: form([...hidden, ['username', 'vera'], ['password', password]]),
		headers: [['Content-Type', 'application/x-www-form-urlencoded'], ['Cookie', cookie]] });
}

test('H-06 the log names the person, and clear text promises no transport policy', async () => {
	const answer = await ask('2001:db8:7::1', 'GET', '/.well-known/oauth-authorization-server');
	assert.equal(answer.status, 200);
	assert.equal(answer.get('strict-transport-security'), undefined);
	await lk.eventually('the log line', () => lk.events('request').some((e) => e.peer === '2001:db8:7::1'));
});

test('U-12 H-14 the many addresses of one IPv6 network do not have a first try each for ever', async () => {
	let tries = 0, last;
	for (; tries < 80 && last?.status !== 429; tries++) {
		last = await signIn(`2001:db8:42:${tries.toString(16)}::1`, 'wrong-password');
		assert.ok([400, 429].includes(last.status), `${last}`);
	}
	assert.equal(last.status, 429, '80 networks of /64, 80 first tries');
	assert.ok(tries > 40, `${tries}: neighbours share it, so it must be wide`);
	assert.equal((await signIn('2001:db8:43::1', 'wrong-password')).status, 400, 'another network is another matter');
});
