/* SPDX-License-Identifier: MIT */

/*
 * The pace of reconnecting (configuration: reconnect_…; WAMP details: reasons of ABORT)
 */

#include "hub/internal.h"

uint64_t reconnect_delay_ms(const struct link_config *config, unsigned n_failures,
			    enum reconnect_pace pace, struct rng *rng)
{
	double delay = (double)config->reconnect_delay_ms;
	double max = (double)config->reconnect_max_delay_ms;

	if (pace == PACE_SLOW && delay < LINK_REFUSED_DELAY_MS)
		delay = LINK_REFUSED_DELAY_MS;
	for (unsigned i = 1; i < n_failures && delay < max; i++)
		delay *= config->reconnect_growth;
	if (delay > max)
		delay = max;
	if (config->is_near && pace == PACE_USUAL && delay > LINK_NEAR_DELAY_MS)
		delay = LINK_NEAR_DELAY_MS;
	delay *= 1 + config->reconnect_jitter * (2 * rng_unit(rng) - 1);
	return delay < 1 ? 1 : (uint64_t)delay;
}

/* Reasons that waiting seldom cures; everything else is taken for passing. */
bool reconnect_is_refusal(struct slice reason)
{
	static const char *const refusals[] = {
		"wamp.error.no_such_realm",	    "wamp.error.no_such_role",
		"wamp.error.no_such_principal",	    "wamp.error.no_matching_auth_method",
		"wamp.error.no_auth_method",	    "wamp.error.authentication_denied",
		"wamp.error.authentication_failed", "wamp.error.authentication_required",
		"wamp.error.not_authorized",	    "wamp.error.cannot_authenticate",
		"wampbridge.error.secret",
	};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (slice_is(reason, refusals[i]))
			return true;
	return false;
}

/* A certificate that is refused stays so until a person mends it; each try is a handshake. */
bool reconnect_is_costly(struct slice reason)
{
	return slice_is(reason, "wampbridge.error.tls");
}
