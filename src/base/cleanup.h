/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Scope-bound cleanup, and the attributes that every function uses
 *
 * An error path is a plain return: what was built so far is released by the
 * variable's own attribute. Success hands the object over with TAKE().
 *
 * Errors everywhere: 0 is success; negative is -errno, something broke;
 * positive is an outcome that the function's header documents.
 */

#include <stddef.h>

#define CLEANUP(func) __attribute__((__cleanup__(func)))
#define MUST_CHECK    __attribute__((__warn_unused_result__))
#define PRINTF(f, a)  __attribute__((__format__(__printf__, f, a)))
#define PUBLIC	      __attribute__((__visibility__("default")))

#define ARRAY_SIZE(a)			(sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define TAKE(ptr)                                                                                  \
	({                                                                                         \
		__typeof__(ptr) taken_ = (ptr);                                                    \
		(ptr) = NULL;                                                                      \
		taken_;                                                                            \
	})

/* Defines func##p(type *p), which calls func(*p) unless *p is NULL. */
#define DEFINE_CLEANUP(type, func)                                                                 \
	__attribute__((__unused__)) static inline void func##p(type *p)                            \
	{                                                                                          \
		if (*p)                                                                            \
			(void)func(*p);                                                            \
	}                                                                                          \
	struct func##_trailing_semicolon
