/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The rules between keys
 *
 * Each value is right by itself; here it is checked whether they fit each
 * other, and what is allowed and not wise is warned of.
 */

#include "config/store.h"

struct rules {
	const struct config *config; /* whole */
	struct config_errors *errors;
};

void rules_check(const struct rules *rules);
