/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * "headers": a mapping of what is sent with the WebSocket handshake
 */

#include "config/member.h"
#include "config/walk.h"

/* 0, or CONFIG_INVALID with the mistake recorded, or -ENOMEM. Keys are header names. */
int headers_read(struct member_set *ret, const struct walk *w, const struct node *mapping,
		 unsigned line) MUST_CHECK;
