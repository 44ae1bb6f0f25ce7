/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tells the service manager how we are: sd_notify(3), without its library. */
#ifndef LATCHKEY_BASE_NOTIFY_H
#define LATCHKEY_BASE_NOTIFY_H

/* "READY=1", "STOPPING=1", "RELOADING=1"; nothing when nobody listens. */
void notify(const char *state);

#endif
