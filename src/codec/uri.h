/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a URI of WAMP looks like: procedures, topics, errors, and realms
 *
 * The one rule for what programs send, what routers send and what the
 * configuration says.
 */

#include "base/slice.h"

/*
 * Loose, non-empty URI: what CALL, PUBLISH, exact matches and a realm need (WAMP
 * 2.1.1). Components between dots, none of them empty, without white space (of
 * Unicode, too), control characters and '#'.
 */
bool uri_is_valid(struct slice uri);
