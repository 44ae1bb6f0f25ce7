/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home.h - where a person's own files are, for everything that has a default there: one
 * answer, so that a vault and its key are looked for below the same directory.
 */
#ifndef LATCHKEY_BASE_HOME_H
#define LATCHKEY_BASE_HOME_H

#include <stdbool.h>
#include <stddef.h>

/* $HOME if it is a whole path (and we have no more privileges than our caller); else what
 * the user database says, since services often have no HOME. False: nobody says, or it
 * does not fit. */
bool home_directory(char *out, size_t size);

#endif
