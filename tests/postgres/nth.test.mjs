// SPDX-License-Identifier: Apache-2.0
//
// The n-th thing that is said to a PostgreSQL, or heard from it, fails: crash/nth.mjs.

import { after } from 'node:test';

import { Cluster } from '../lib/postgres.mjs';

const cluster = await Cluster.start();
process.env.NTH_DATABASE = cluster.url;
await import('../crash/nth.test.mjs');
after(() => cluster.remove());
