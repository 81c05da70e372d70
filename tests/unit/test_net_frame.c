/* SPDX-License-Identifier: MIT */

/*
 * Frames as RFC 6455 §5.7 shows them, and masking at every length
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ws_frame.h"

#include <cmocka.h>
#include <stdlib.h>

static uint32_t key_of(const unsigned char bytes[4])
{
	uint32_t key;

	memcpy(&key, bytes, sizeof(key));
	return key;
}

static void the_example_of_the_rfc_is_made(void **state)
{
	static const unsigned char expected[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
						 0x7f, 0x9f, 0x4d, 0x51, 0x58};
	unsigned char frame[sizeof(expected)];

	(void)state;
	assert_int_equal(ws_frame_size(5), sizeof(expected));
	assert_ptr_equal(ws_frame_put(frame, WS_FRAME_TEXT, SLICE("Hello"), key_of(expected + 2)),
			 frame + sizeof(expected));
	assert_memory_equal(frame, expected, sizeof(expected));
}

static void a_ping_has_its_own_opcode(void **state)
{
	unsigned char frame[6];

	(void)state;
	assert_ptr_equal(ws_frame_put(frame, WS_FRAME_PING, SLICE(""), 7), frame + 6);
	assert_int_equal(frame[0], 0x89);
	assert_int_equal(frame[1], 0x80);
}

static void the_shortest_form_of_the_length_is_used(void **state)
{
	static const struct {
		size_t len, header;
		unsigned char first;
	} rows[] = {{125, 6, 0xfd}, {126, 8, 0xfe}, {65535, 8, 0xfe}, {65536, 14, 0xff}};
	char *payload = calloc(1, 65536);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned char *frame = malloc(rows[i].header + rows[i].len);
		struct slice slice = {payload, rows[i].len};
		unsigned char *end = ws_frame_put(frame, WS_FRAME_TEXT, slice, 0);
		size_t len = 0;

		assert_int_equal(end - frame, rows[i].header + rows[i].len);
		assert_int_equal(ws_frame_size(rows[i].len), end - frame);
		assert_int_equal(frame[1], rows[i].first);
		for (size_t j = 2; j < rows[i].header - 4; j++)
			len = len << 8 | frame[j];
		if (rows[i].len > 125)
			assert_int_equal(len, rows[i].len);
		free(frame);
	}
	free(payload);
}

static void every_length_and_alignment_is_masked_right(void **state)
{
	static const unsigned char key[4] = {1, 2, 4, 0x80};
	char payload[64];
	unsigned char frame[80];

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7);
	for (size_t from = 0; from < 9; from++) {
		for (size_t len = 0; len < 40; len++) {
			struct slice slice = {payload + from, len};
			unsigned char *end =
				ws_frame_put(frame + from, WS_FRAME_TEXT, slice, key_of(key));

			for (size_t i = 0; i < len; i++)
				assert_int_equal((end - len)[i] ^ key[i % 4],
						 (unsigned char)slice.ptr[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_rfc_is_made),
		cmocka_unit_test(a_ping_has_its_own_opcode),
		cmocka_unit_test(the_shortest_form_of_the_length_is_used),
		cmocka_unit_test(every_length_and_alignment_is_masked_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
