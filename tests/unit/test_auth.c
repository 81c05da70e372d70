/* SPDX-License-Identifier: MIT */

/*
 * Authentication: the vectors that other implementations were measured with,
 * and challenges that must not be answered
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "auth/auth.h"
#include "auth/crypto.h"

#define CHALLENGE                                                                                  \
	"\"challenge\":\"{\\\"nonce\\\": \\\"LHRTC9zeOIrt_9U3\\\", \\\"authprovider\\\": "         \
	"\\\"userdb\\\", \\\"authid\\\": \\\"peter\\\", \\\"timestamp\\\": "                       \
	"\\\"2014-06-22T16:36:25.448Z\\\", \\\"authrole\\\": \\\"user\\\", \\\"authmethod\\\": "   \
	"\\\"wampcra\\\", \\\"session\\\": 3251278072152162}\""

#define UNSALTED "oV95jyPM/GWJyAuKBOSsdFkUkSboj5T4NmC3bdefPuY="
#define SALTED	 "GyMkfiASBnhHaSle2CWSCDji2nyPuyJDxEQDEDraOGY="
#define SHORT	 "9id/LYZSU+FYEX1EAj0aXOw7D6H9WU3GSVC0IRbqu5k="

static int answer(struct buf *ret, enum auth_method method, const char *extra, const char *secret,
		  char message[AUTH_MAX_MESSAGE])
{
	struct scan_value v;
	struct scan_error error;

	struct auth_job *job = NULL;
	int r;

	assert_int_equal(scan_one(slice_of(extra), SCAN_LENIENT, &v, &error), 0);
	r = auth_answer(ret, &job, method, &v, slice_of(secret), message);
	assert_int_equal(r == AUTH_DERIVES, job != NULL);
	if (!job)
		return r;
	assert_int_equal(buf_len(ret), 0);
	auth_job_run(job);
	r = job->result;
	buf_append_slice(ret, slice_of(job->signature));
	auth_job_free(job);
	return r;
}

static void check(enum auth_method method, const char *extra, const char *secret, const char *right)
{
	struct buf b = BUF_INIT(65536);
	char message[AUTH_MAX_MESSAGE];

	assert_int_equal(answer(&b, method, extra, secret, message), 0);
	assert_int_equal(buf_len(&b), strlen(right));
	assert_memory_equal(b.data, right, strlen(right));
	buf_done(&b);
}

static void refused(enum auth_method method, const char *extra, const char *secret,
		    const char *word)
{
	struct buf b = BUF_INIT(65536);
	char message[AUTH_MAX_MESSAGE];

	assert_int_equal(answer(&b, method, extra, secret, message), AUTH_REFUSED);
	if (!strstr(message, word))
		fail_msg("\"%s\" lacks \"%s\"", message, word);
	assert_int_equal(buf_len(&b), 0);
	buf_done(&b);
}

static void a_ticket_is_the_secret_itself(void **state)
{
	(void)state;
	check(AUTH_TICKET, "{}", "se\"cret \xc3\xa9", "se\"cret \xc3\xa9");
}

static void wampcra_signs_the_challenge_as_it_reads_unescaped(void **state)
{
	(void)state;
	check(AUTH_WAMPCRA, "{" CHALLENGE "}", "secret123", UNSALTED);
	check(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":null}", "secret123", UNSALTED);
}

static void a_salted_secret_is_derived_first(void **state)
{
	(void)state;
	check(AUTH_WAMPCRA,
	      "{" CHALLENGE ",\"salt\":\"salt123\",\"iterations\":1000,\"keylen\":32}", "secret123",
	      SALTED);
	check(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"salt123\",\"iterations\":100,\"keylen\":16}",
	      "secret123", SHORT);
}

static void iterations_and_keylen_have_the_usual_defaults(void **state)
{
	(void)state;
	check(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"salt123\"}", "secret123", SALTED);
	check(AUTH_WAMPCRA,
	      "{" CHALLENGE ",\"salt\":\"salt123\",\"iterations\":null,\"keylen\":null}",
	      "secret123", SALTED);
}

/* PHP and Lua write what others write as a number or a dict in other ways. */
static void numbers_are_read_in_each_spelling(void **state)
{
	static const char *const spellings[] = {
		"\"iterations\":1000.0,\"keylen\":3.2e1",
		"\"iterations\":\"1000\",\"keylen\":\"32\"",
		"\"iterations\":[],\"keylen\":{}",
	};
	char extra[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		snprintf(extra, sizeof(extra), "{" CHALLENGE ",\"s\\u0061lt\":\"salt123\",%s}",
			 spellings[i]);
		check(AUTH_WAMPCRA, extra, "secret123", SALTED);
	}
	check(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":[]}", "secret123", UNSALTED);
}

static void the_derived_key_is_used_as_base64_text(void **state)
{
	unsigned char key[32];
	char text[CRYPTO_BASE64_SIZE(sizeof(key))];

	(void)state;
	assert_int_equal(
		crypto_pbkdf2_sha256(key, sizeof(key), SLICE("secret123"), SLICE("salt123"), 1000),
		0);
	assert_int_equal(crypto_base64(text, key, sizeof(key)), 44);
	assert_string_equal(text, "Eu7CQLfR+/Ffb+275A4s9/6H/RGKYxM4s6IMrsNKzC8=");
}

static void a_router_cannot_keep_a_thread_busy_with_rounds(void **state)
{
	(void)state;
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"iterations\":400001}", "x",
		"400000 rounds");
	/* a longer key takes as many rounds for each of its blocks */
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"iterations\":200001,\"keylen\":33}",
		"x", "400000 rounds");
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"iterations\":0}", "x", "rounds");
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"iterations\":\"9x\"}", "x",
		"rounds");
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"iterations\":[9]}", "x", "rounds");
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"keylen\":257}", "x", "256");
	refused(AUTH_WAMPCRA, "{" CHALLENGE ",\"salt\":\"s\",\"keylen\":-1}", "x", "256");
}

static void a_challenge_without_text_is_refused(void **state)
{
	(void)state;
	refused(AUTH_WAMPCRA, "{}", "x", "holds no text");
	refused(AUTH_WAMPCRA, "{\"challenge\":5}", "x", "holds no text");
}

static void without_a_secret_nothing_is_answered(void **state)
{
	(void)state;
	refused(AUTH_TICKET, "{}", "", "no secret");
	refused(AUTH_WAMPCRA, "{" CHALLENGE "}", "", "no secret");
	refused(AUTH_ANONYMOUS, "{}", "", "anonymous");
}

static void methods_are_found_by_their_name_alone(void **state)
{
	(void)state;
	assert_int_equal(auth_method_find(SLICE("anonymous")), AUTH_ANONYMOUS);
	assert_int_equal(auth_method_find(SLICE("ticket")), AUTH_TICKET);
	assert_int_equal(auth_method_find(SLICE("wampcra")), AUTH_WAMPCRA);
	assert_int_equal(auth_method_find(SLICE("cryptosign")), -1);
	assert_int_equal(auth_method_find(SLICE("Ticket")), -1);
	assert_int_equal(auth_method_find(SLICE("")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_is_the_secret_itself),
		cmocka_unit_test(wampcra_signs_the_challenge_as_it_reads_unescaped),
		cmocka_unit_test(a_salted_secret_is_derived_first),
		cmocka_unit_test(iterations_and_keylen_have_the_usual_defaults),
		cmocka_unit_test(numbers_are_read_in_each_spelling),
		cmocka_unit_test(the_derived_key_is_used_as_base64_text),
		cmocka_unit_test(a_router_cannot_keep_a_thread_busy_with_rounds),
		cmocka_unit_test(a_challenge_without_text_is_refused),
		cmocka_unit_test(without_a_secret_nothing_is_answered),
		cmocka_unit_test(methods_are_found_by_their_name_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
