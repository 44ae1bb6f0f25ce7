/* SPDX-License-Identifier: Apache-2.0 */
/* lean.h - a server that has started holds no code that only its start needed. */
#ifndef LATCHKEY_SERVER_LEAN_H
#define LATCHKEY_SERVER_LEAN_H

void lean_after_start(void);

#endif
