/* SPDX-License-Identifier: MIT */

/*
 * Settings of TLS that cannot be used: each mistake has its sentence
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "test_net_tls_world.h"

static struct world world;

static void refuse(const struct ws_tls_options *options, const char *text)
{
	char message[WS_TLS_MAX_MESSAGE] = "";
	struct ws_tls *tls = NULL;

	assert_int_equal(ws_tls_new(&tls, options, message), WS_TLS_UNUSABLE);
	assert_null(tls);
	if (!strstr(message, text))
		fail_msg("\"%s\" is not in \"%s\"", text, message);
	assert_int_equal(ERR_peek_error(), 0);
}

static void a_ca_file_must_be_there_and_have_certificates(void **state)
{
	struct ws_tls_options options = world_options(&world);
	FILE *f;

	(void)state;
	options.ca_file = "/nonexistent/ca.pem";
	refuse(&options, "tls_ca_file: No such file or directory (/nonexistent/ca.pem)");
	options.ca_file = world.files.dir;
	refuse(&options, "tls_ca_file: not a file");
	options.ca_file = files_text(&world.files, "empty.pem", "");
	refuse(&options, "tls_ca_file: no certificate in it, PEM is expected");
	options.ca_file = files_key(&world.files, "key.pem", &world.ca, NULL);
	refuse(&options, "tls_ca_file: no certificate in it, PEM is expected");
	f = files_create(&world.files, "cut.pem");
	PEM_write_X509(f, world.ca.cert);
	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n", f);
	options.ca_file = files_close(&world.files, f);
	refuse(&options, "tls_ca_file: certificate 2 in it is damaged");
}

static void a_byte_order_mark_hides_nothing_in_silence(void **state)
{
	struct ws_tls_options options = world_options(&world);
	FILE *f;

	(void)state;
	/* OpenSSL alone would take the second certificate and leave out the first. */
	f = files_create(&world.files, "mark.pem");
	fputs("\xef\xbb\xbf", f);
	PEM_write_X509(f, world.ca.cert);
	PEM_write_X509(f, world.router.cert);
	options.ca_file = files_close(&world.files, f);
	refuse(&options, "tls_ca_file: it begins with a byte order mark");
	options.ca_file = world.ca_file;
	f = files_create(&world.files, "utf16.pem");
	fputs("\xff\xfe-", f);
	options.cert = files_close(&world.files, f);
	options.key = options.cert;
	refuse(&options, "tls_cert: it begins with a byte order mark");
}

static void a_ca_directory_must_be_one(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.ca_dir = "/nonexistent";
	refuse(&options, "tls_ca_dir: No such file or directory (/nonexistent)");
	options.ca_dir = world.ca_file;
	refuse(&options, "tls_ca_dir: not a directory");
}

static void somebody_must_be_trusted_unless_nobody_is_asked(void **state)
{
	struct ws_tls_options options = {.verify = true};

	(void)state;
	refuse(&options, "no router could be trusted");
	options.verify = false;
	ws_tls_free(tls_new(&options));
}

static void a_certificate_needs_its_key(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.cert = world.ca_file;
	refuse(&options, "tls_cert and tls_key: one is of no use without the other");
	options.key = "/nonexistent/key.pem";
	refuse(&options, "tls_key: No such file or directory");
	options.key = world.ca_file;
	refuse(&options, "tls_key: no private key in it, PEM is expected");
	options.key = files_key(&world.files, "other.key", &world.router, NULL);
	refuse(&options, "tls_key: not the key of the certificate in tls_cert");
	options.cert = options.key;
	refuse(&options, "tls_cert: no certificate in it, PEM is expected");
	options.cert = "/nonexistent/cert.pem";
	refuse(&options, "tls_cert: No such file or directory");
	options.cert = NULL;
	refuse(&options, "tls_cert and tls_key");
}

static void a_passphrase_is_taken_from_the_settings_only(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.cert = world.ca_file;
	options.key = files_key(&world.files, "locked.key", &world.ca, "open sesame");
	refuse(&options, "tls_key: it is encrypted, tls_key_passphrase is missing");
	options.key_passphrase = "open barley";
	refuse(&options, "tls_key_passphrase: it does not open tls_key");
	options.key_passphrase = "open sesame";
	ws_tls_free(tls_new(&options));
}

static void pins_are_64_digits(void **state)
{
	static const char *const wrong[] = {
		"", "abc", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0"};
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.n_pins = 1;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		options.pins = &wrong[i];
		refuse(&options, "is not 64 hexadecimal digits");
	}
}

static void ciphers_must_be_known(void **state)
{
	struct ws_tls_options options = world_options(&world);

	(void)state;
	options.ciphers = "ROT13";
	refuse(&options, "tls_ciphers: no known cipher in \"ROT13\"");
	/* Without a certificate nobody would be checked. */
	options.ciphers = "aNULL:@SECLEVEL=0";
	refuse(&options, "tls_ciphers: no known cipher in");
	options.ciphers = "HIGH";
	options.ciphersuites = "TLS_ROT13";
	refuse(&options, "tls_ciphersuites: no known suite in \"TLS_ROT13\"");
	options.ciphersuites = "";
	refuse(&options, "tls_ciphersuites: no known suite in \"\"");
	options.ciphersuites = "TLS_AES_128_GCM_SHA256";
	ws_tls_free(tls_new(&options));
}

static void without_memory_nothing_is_left(void **state)
{
	struct ws_tls_options options = world_options(&world);
	char pin[65], message[WS_TLS_MAX_MESSAGE];
	const char *pins[] = {pin};
	struct ws_tls *tls = NULL;
	long n = -1;
	int r;

	(void)state;
	pair_pin(&world.router, pin);
	options.pins = pins;
	options.n_pins = 1;
	options.server_name = "router.test";
	options.ciphers = "HIGH";
	do {
		mem_fail_after(++n);
		r = ws_tls_new(&tls, &options, message);
		mem_fail_after(-1);
	} while (r == -ENOMEM);
	assert_int_equal(r, 0);
	assert_true(n >= 4);
	ws_tls_free(tls);
}

static int set_up(void **state)
{
	(void)state;
	world_init(&world);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_done(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ca_file_must_be_there_and_have_certificates),
		cmocka_unit_test(a_byte_order_mark_hides_nothing_in_silence),
		cmocka_unit_test(a_ca_directory_must_be_one),
		cmocka_unit_test(somebody_must_be_trusted_unless_nobody_is_asked),
		cmocka_unit_test(a_certificate_needs_its_key),
		cmocka_unit_test(a_passphrase_is_taken_from_the_settings_only),
		cmocka_unit_test(pins_are_64_digits),
		cmocka_unit_test(ciphers_must_be_known),
		cmocka_unit_test(without_memory_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
