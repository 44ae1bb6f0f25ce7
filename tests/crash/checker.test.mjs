// SPDX-License-Identifier: Apache-2.0
//
// The control: a checker that never complains proves nothing, so each lie a
// broken server could tell is told here, and each must be found. Every row is a
// short history in which only the last event may be wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { judge } from './checker.mjs';

const authorize = { did: 'authorize', got: 'code', code: 'c' };
const redeem = (n, key) => ({ did: 'redeem', code: 'c', key, got: 'tokens', ...pair(n) });
const refresh = (from, to, key) => ({ did: 'refresh', token: `r${from}`, key, got: 'tokens', ...pair(to) });
const lost = (event) => ({ ...event, got: 'nothing', access: undefined, refresh: undefined });
const refused = (event) => ({ ...event, got: 'refused', access: undefined, refresh: undefined });
const late = (event) => ({ ...event, late: true });
const active = (n) => ({ did: 'introspect', token: `a${n}`, got: 'active' });
const inactive = (n) => ({ did: 'introspect', token: `a${n}`, got: 'inactive' });
const revoke = (n) => ({ did: 'revoke', token: `r${n}`, got: 'ended' });
const pair = (n) => ({ access: `a${n}`, refresh: `r${n}` });

const begun = [authorize, redeem(1)];

const RIGHT = [
	['a chain of refreshes', [...begun, refresh(1, 2), refresh(2, 3, 'k'), active(3), inactive(2)]],
	['a repeated answer', [...begun, refresh(1, 2, 'k'), refresh(1, 2, 'k'), refresh(2, 3)]],
	['a repeated redemption', [authorize, redeem(1, 'k'), redeem(1, 'k'), refresh(1, 2)]],
	['a lost refresh, not done, sent again without a key',
		[...begun, lost(refresh(1, 2)), active(1), refresh(1, 2), inactive(1)]],
	['a lost refresh, done, sent again without a key: punished',
		[...begun, lost(refresh(1, 2)), inactive(1), refused(refresh(1, 2)), inactive(1)]],
	['a lost refresh, done or not, had again by its key',
		[...begun, lost(refresh(1, 2, 'k')), inactive(1), refresh(1, 2, 'k'), active(2)]],
	['a lost refresh lost again', [...begun, lost(refresh(1, 2, 'k')), lost(refresh(1, 2, 'k')), refresh(1, 2, 'k')]],
	['a lost refresh, not done at first, done at the second try',
		[...begun, lost(refresh(1, 2, 'k')), active(1), lost(refresh(1, 2, 'k')), inactive(1), refresh(1, 2, 'k')]],
	['a lost redemption had again by its key', [authorize, lost(redeem(1, 'k')), redeem(1, 'k'), active(1)]],
	['a lost redemption punished', [authorize, lost(redeem(1)), refused(redeem(1))]],
	['a lost redemption, not done', [authorize, lost(redeem(1)), redeem(1), active(1)]],
	['a code that ran out', [authorize, late(refused(redeem(1)))]],
	['a revocation', [...begun, revoke(1), inactive(1), refused(refresh(1, 2))]],
	['a lost revocation, done', [...begun, lost(revoke(1)), inactive(1), refused(refresh(1, 2))]],
	['a lost revocation, not done', [...begun, lost(revoke(1)), active(1), refresh(1, 2)]],
	['a replay, punished', [...begun, refresh(1, 2), refused(refresh(1, 3)), inactive(2), refused(refresh(2, 3))]],
	['an access token that ran out', [...begun, late(inactive(1))]],
];

const WRONG = [
	['an acknowledged refresh token is lost', /lost/, [...begun, refused(refresh(1, 2))]],
	['an acknowledged rotation is undone', /two live refresh tokens/, [...begun, refresh(1, 2), refresh(1, 3)]],
	['an acknowledged rotation is undone, later', /two live refresh tokens/,
		[...begun, refresh(1, 2, 'k'), refresh(2, 3), refresh(1, 2, 'k')]],
	['an acknowledged access token is lost', /lost/, [...begun, inactive(1)]],
	['an old access token lives', /two live access tokens/, [...begun, refresh(1, 2), active(1)]],
	['an acknowledged code is lost', /lost/, [authorize, refused(redeem(1))]],
	['a code works twice', /honoured/, [...begun, redeem(2)]],
	['a retry key brings nothing back', /did not bring it back/, [...begun, lost(refresh(1, 2, 'k')), refused(refresh(1, 2, 'k'))]],
	['a retry key of a redemption brings nothing back', /did not bring it back/,
		[authorize, lost(redeem(1, 'k')), refused(redeem(1, 'k'))]],
	['the same request gets other tokens', /other tokens/, [...begun, refresh(1, 2, 'k'), refresh(1, 3, 'k')]],
	['the same request is refused', /refused/, [...begun, refresh(1, 2, 'k'), refused(refresh(1, 2, 'k'))]],
	['another key is taken for the same', /two live/, [...begun, refresh(1, 2, 'k'), refresh(1, 2, 'l')]],
	['a refresh that was done is done again', /two live/, [...begun, lost(refresh(1, 2)), inactive(1), refresh(1, 2)]],
	['a refresh that was not done is punished', /lost/, [...begun, lost(refresh(1, 2)), active(1), refused(refresh(1, 2))]],
	['a refresh that was done comes undone', /undone/, [...begun, lost(refresh(1, 2, 'k')), inactive(1), active(1)]],
	['a refresh that was done comes undone, after another try', /undone/,
		[...begun, lost(refresh(1, 2, 'k')), inactive(1), lost(refresh(1, 2, 'k')), active(1)]],
	['tokens come back', /given before/, [...begun, refresh(1, 2), refresh(2, 1)]],
	['a revocation is forgotten', /dead/, [...begun, revoke(1), active(1)]],
	['a revoked refresh token works', /dead/, [...begun, revoke(1), refresh(1, 2)]],
	['a punished authorisation lives', /dead/, [...begun, refresh(1, 2), refused(refresh(1, 3)), refresh(2, 3)]],
	['a server fault', /no client expects/, [...begun, { did: 'refresh', token: 'r1', got: 'odd', text: '503' }]],
];

for (const [what, history] of RIGHT)
	test(`no complaint about ${what}`, () => {
		assert.deepEqual(judge(history.map((e) => ({ grant: 1, ...e }))).violations, []);
	});

for (const [what, pattern, history] of WRONG)
	test(`found: ${what}`, () => {
		const events = history.map((e) => ({ grant: 1, ...e }));
		assert.deepEqual(judge(events.slice(0, -1)).violations, [], 'right up to the last event');
		const { violations } = judge(events);
		assert.equal(violations.length, 1);
		assert.match(violations[0], pattern);
	});

test('grants do not disturb one another', () => {
	const mixed = [...begun, refresh(1, 2)].flatMap((e) => [{ grant: 1, ...e }, { grant: 2, ...e }]);
	assert.deepEqual(judge(mixed).violations, []);
	const { violations } = judge([...mixed, { grant: 2, ...active(1) }, { grant: 1, ...active(2) }]);
	assert.equal(violations.length, 1);
	assert.match(violations[0], /grant 2/);
});
