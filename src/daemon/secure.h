/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a session needs to be let in: TLS settings and secrets, made of what
 * the configuration names
 */

#include "base/cleanup.h"
#include "config/config.h"
#include "config/secret.h"
#include "net/ws.h"

/* Longest text for people, with its end. */
#define SECURE_MAX_MESSAGE 600

/*
 * TLS of a session on wss. credentials: the directory of "@credential:", or
 * NULL. 0; SECURE_UNUSABLE with a text that names the file or the key;
 * -ENOMEM.
 */
enum secure_outcome { SECURE_UNUSABLE = 1 };
int secure_new_tls(struct ws_tls **ret, const struct config_session *session,
		   const char *credentials, char ret_message[SECURE_MAX_MESSAGE]) MUST_CHECK;

/* Changes with the files that the session's TLS settings are made of. */
uint64_t secure_stamp(const struct config_session *session);

/* That there is no group of the name in socket_group, where that stands, and the cure. */
void secure_explain_group(const struct config *config, char ret_message[SECURE_MAX_MESSAGE]);

/*
 * Reads every secret and every TLS file that the configuration names, and adds
 * what is wrong with them to errors; a socket_group that there is not is warned of,
 * since it counts only where the daemon itself makes the socket. 0 or -errno.
 */
int secure_check(const struct config *config, const char *credentials,
		 struct config_errors *errors) MUST_CHECK;
