/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - this program, run again with other arguments.
 *
 * Promises: no shell, no search path: it is /proc/self/exe itself; a child that
 * serves dies with us, however we die.
 */
#ifndef LATCHKEY_DEMO_PROCESS_H
#define LATCHKEY_DEMO_PROCESS_H

#include <jansson.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/outcome.h"

/* Runs a command to its end; arguments end with NULL and leave out "latchkey".
 * out (may be NULL) gets the JSON it printed; FAULT carries its own sentence. */
enum outcome process_run(struct arena *a, const char *const *arguments,
	struct bytes input, json_t **out, struct fault *f) must_check;
/* Starts one that goes on, writing to log_file; call from the main thread. */
enum outcome process_start(const char *const *arguments, const char *log_file,
	pid_t *out, struct fault *f) must_check;
/* The last line of what it wrote; "nothing" when there is none. */
const char *process_last_words(struct arena *a, const char *log_file);
/* SIGTERM, and waits; 0 is fine. */
void process_end(pid_t child);

#endif
