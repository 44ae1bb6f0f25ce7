/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - the load tool among its two files: load.c has the connections, the
 * clock and the report; load_talk.c has what is asked and answered.
 */
#ifndef LATCHKEY_TESTS_LOAD_H
#define LATCHKEY_TESTS_LOAD_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_PIDS 8
#define TOKEN_SIZE 256

enum mode { FIXED, INTROSPECT, REFRESH, EXCHANGE };

struct options {
	const char *ca, *input, *keep, *basic, *cookie, *authorize;
	int port, named, connections, seconds; /* named: the port in Host, or 0 */
	enum mode mode;
	bool new_connection;
	int pids[MAX_PIDS];
	int pid_count;
};
extern struct options options;

struct connection {
	SSL *ssl;
	int fd;
	size_t number;
	int64_t started_us;
	char out[16384];
	size_t out_n, out_sent;
	char in[32768];
	size_t in_n;
	char *token;         /* introspect, refresh: the one under way */
	char verifier[64];   /* exchange */
	bool redeeming;
};

/* Reads --input; ends the program when it will not do for the mode. */
void talk_begin(void);
/* Puts the next request into c->out. */
void talk_next(struct connection *c);
/* 0: more to come; otherwise the length of the whole answer in c->in. */
size_t talk_answer_length(struct connection *c);
/* The answer is whole; true: it was the last of its round. *good: as it should be. */
bool talk_answered(struct connection *c, bool *good);
/* Writes --keep: the tokens as they are now, save for those under way. */
void talk_end(const struct connection *all, size_t n);

void die(const char *what) __attribute__((noreturn));

#endif
