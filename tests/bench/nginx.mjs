// SPDX-License-Identifier: Apache-2.0
//
// nginx with one worker that answers every request with 200 and a fixed JSON of
// the size of an introspection answer, over TLS, with the server's certificate.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { freePort, sleep } from '../lib/latchkey.mjs';

const JSON_BODY = JSON.stringify({ active: true, filler: 'x'.repeat(300) });

export async function startNginx(lk) {
	const port = await freePort();
	const dir = path.join(lk.dir, 'nginx');
	fs.mkdirSync(dir);
	fs.writeFileSync(path.join(dir, 'nginx.conf'), `
daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi; uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${lk.data}/tls-cert.pem; ssl_certificate_key ${lk.data}/tls-key.pem;
    ssl_protocols TLSv1.3;
    location / { return 200 '${JSON_BODY}'; }
  }
}`);
	const child = spawn('nginx', ['-c', path.join(dir, 'nginx.conf')], { stdio: 'inherit' });
	await sleep(700);
	const worker = Number(fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')[0]);
	const input = path.join(dir, 'request');
	fs.writeFileSync(input, `POST / HTTP/1.1\r\nHost: localhost:${port}\r\n`
		+ 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 62\r\n\r\n'
		+ `token=${'x'.repeat(56)}`);
	return {
		pids: [worker],
		args: ['--ca', lk.findCa(), '--port', String(port), '--mode', 'fixed', '--input', input],
		stop: () => child.kill('SIGTERM'),
	};
}
