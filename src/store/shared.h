/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared.h - what every back end does in the same way: a grant packed into its
 * pulse, a change decided, the trail of its end, the day its row may go.
 */
#ifndef LATCHKEY_STORE_SHARED_H
#define LATCHKEY_STORE_SHARED_H

#include "store/backend.h"

/* ---- the schema (upgrade.c) ---------------------------------------------- */

#define SCHEMA_VERSION 1000 /* major * 1000 + minor; minors only add */

/* Is there something to do, and is there a way? */
enum outcome upgrade_needed(const struct upgrade *steps, int64_t from, int64_t to,
	bool *needed, struct fault *f) must_check;

/* ---- a grant's row (shared_pulse.c) -------------------------------------- */

#define PULSE_ENDED 35 /* octets of one that ended */
#define PULSE_SIZE (PULSE_ENDED + 1 + RETRY_DIGEST_SIZE)

/* What changes while a grant lives; always as long as at first, until it ends. */
struct pulse {
	uint8_t p[PULSE_SIZE];
	size_t n;
};

struct pulse pulse_of(const struct grant *g);
void pulse_read(const struct pulse *pulse, struct grant *g);

/* The day from which the rule lets the row go. */
int64_t grant_due_day(const struct store *s, const struct grant *g, int64_t from_day);
/* May it go now? */
bool grant_may_go(const struct store *s, const struct grant *g, int64_t now);

/* ---- changes (shared_grant.c) -------------------------------------------- */

/* What rules/grant.c says to c->grant, as it was loaded. */
struct verdict grant_decide(struct grant_change *c);

/* Who ended a grant: its person, its client, or (an operator) as it says itself. */
enum end_actor { END_BY_PERSON, END_BY_CLIENT, END_BY_OPERATOR };
enum end_actor grant_end_actor(const struct grant *g);
/* Its entry in the trail, save for the actor unless that is an operator. */
struct audit grant_end_audit(struct arena *a, const struct grant *g);

/* The smallest and largest key that begins with the digits; false: none does. */
bool grant_key_range(struct bytes prefix, uint8_t low[static GRANT_KEY_SIZE],
	uint8_t high[static GRANT_KEY_SIZE]);

/* ---- people -------------------------------------------------------------- */

/* Is what nobody may change unseen the same? Contexts do not change. */
bool user_same(const struct user *a, const struct user *b);

/* ---- small things -------------------------------------------------------- */

/* Whose doing it was ("root" of "operator:root"), and when. */
struct bytes audit_who(const struct audit *a);
int64_t audit_time(const struct audit *a);
/* Room for one more behind n of that size: the list, or a larger copy of it. */
void *list_room(struct arena *a, void *list, size_t n, size_t size);

#endif
