/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asan.h - what AddressSanitizer must be told; nothing in a normal build.
 */
#ifndef LATCHKEY_BASE_ASAN_H
#define LATCHKEY_BASE_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#define asan_forbid(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define asan_allow(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define UNDER_ASAN 0
#define asan_forbid(p, n) ((void)(p), (void)(n))
#define asan_allow(p, n) ((void)(p), (void)(n))
#endif

#endif
