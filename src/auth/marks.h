/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Marks: knowing a secret again without keeping it
 *
 * A router may repeat what it was sent: Crossbar's own example of a dynamic
 * authenticator puts the refused ticket into its ABORT. What a session sends as
 * a secret leaves a mark, a length and a fingerprint, while the secret itself
 * is wiped; a text that holds a marked secret is made unreadable before anybody
 * keeps it. It is known as it is, in base64, and under escapes of JSON or of
 * URLs, whatever of it is escaped. A part of it is not known.
 */

#include "base/arena.h"
#include "codec/scan.h"

/*
 * A secret that is shorter than this stands in many a text by chance: it counts
 * where it is a word of its own, and then hides the whole text.
 */
#define MARKS_MIN_LENGTH 8

struct mark {
	uint32_t len;
	bool is_brief;
	uint16_t filter; /* a hash of its first bytes */
	uint64_t hash;	 /* of the secret; asked for where the filter is right */
};

/* Zeroed: none. Each secret of one join, as it is and in base64. */
struct marks {
	struct mark *list;
	size_t n, cap;
	bool is_blind; /* there was no memory for one of them: no text is told any more */
};

/* From now on this is known. */
void marks_add(struct marks *m, struct slice secret);

/*
 * The same for what only may be a secret: it counts until marks_forget_brief(),
 * so that no payload is changed for its sake later on.
 */
void marks_add_brief(struct marks *m, struct slice text);
void marks_forget_brief(struct marks *m);

/* None is known from now on; this also frees them. */
void marks_forget(struct marks *m);

/*
 * The text with "***" in the place of each secret that begins within its first
 * max bytes, and no longer than these: itself where there is none, else in
 * arena. SLICE_NONE where the whole of it must not be told.
 */
struct slice marks_hide(const struct marks *m, struct slice text, size_t max, struct arena *arena);

/* The JSON value with each string in it treated so; absent without memory. */
struct scan_value marks_hide_value(const struct marks *m, const struct scan_value *v,
				   struct arena *arena);
