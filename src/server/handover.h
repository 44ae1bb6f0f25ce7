/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover.h - a running server gives its listening sockets to its successor, so that
 * a restart or an upgrade refuses no connection, resets none, and answers no 5xx.
 *
 *	successor                             running server
 *	`serve --replace` --- connects ---->  control.sock of the data directory
 *	                  <-- sockets ------  copies (SCM_RIGHTS); it goes on answering
 *	opens everything, answers as well
 *	                  --- "taken" ----->  drains gently, and ends
 *
 * A successor that fails before "taken" changes nothing, and one that says nothing keeps
 * nobody else from asking: several may try, the first word counts, and who has none after
 * a minute is told "late", as are those who lost, and ends. Both ends check that the
 * other is the same user (or root). SIGUSR2 makes the running server start its successor
 * itself: the same command line, and the program that now stands where its own stood.
 */
#ifndef LATCHKEY_SERVER_HANDOVER_H
#define LATCHKEY_SERVER_HANDOVER_H

#include "server/server_state.h"

/* The successor asks: *control stays -1 when nobody serves that directory. */
enum outcome handover_ask(const char *dir, struct http_inherited *out, int *control,
	struct fault *f) must_check;
/* Everything answers here: the other may go. Closes control. A fault when the other goes
 * on serving, because it gave up waiting for us or another successor came first. */
enum outcome handover_take(int *control, struct fault *f) must_check;
/* Offers our own sockets to whoever replaces us, on the main loop. */
enum outcome handover_offer(struct server *s, struct fault *f) must_check;
void handover_end(struct server *s);
/* SIGUSR2. */
enum outcome handover_start_successor(struct fault *f) must_check;

#endif
