/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.h - how a call that can fail ends: three ways and only three.
 *
 * DONE: the outputs are set. REFUSED: the peer (or the person at the terminal)
 * asked for what may not be had; the reason is an output. FAULT: ours - the
 * database, the disk, OpenSSL; noted where it began, logged once at the end.
 * Outputs are untouched unless DONE, save for the reason of a refusal.
 */
#ifndef LATCHKEY_BASE_OUTCOME_H
#define LATCHKEY_BASE_OUTCOME_H

#define must_check __attribute__((warn_unused_result))

enum outcome { DONE, REFUSED, FAULT };

/* Where a fault began and what it was; never holds a secret. */
struct fault {
	const char *file;
	int line;
	char what[384]; /* holds two URLs and the advice behind them */
};

/* Notes the fault (if f is not NULL) and returns FAULT. */
#define FAULT_AT(f, ...) fault_is(fault_note((f), __FILE__, __LINE__, __VA_ARGS__))
enum outcome fault_note(struct fault *f, const char *file, int line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Says to the compiler what fault_note always returns. */
static inline enum outcome
fault_is(enum outcome noted)
{
	(void)noted;
	return FAULT;
}

/* Passes anything but DONE up. */
#define TRY(call)                                          \
	do {                                               \
		enum outcome try_outcome = (call);         \
		if (try_outcome != DONE)                   \
			return try_outcome;                \
	} while (0)

#endif
