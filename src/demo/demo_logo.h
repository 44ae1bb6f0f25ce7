/* SPDX-License-Identifier: Apache-2.0 */
/* demo_logo.h - the demo partner's logo, drawn here so that it is nobody's else. */
#ifndef LATCHKEY_DEMO_DEMO_LOGO_H
#define LATCHKEY_DEMO_DEMO_LOGO_H

#include "base/arena.h"

/* A square PNG: three lines of a ledger, the last one ticked. */
struct bytes demo_logo(struct arena *a);

#endif
