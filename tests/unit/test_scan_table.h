/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Texts, good and bad, and where the first wrong byte of a bad one is
 */

#include "codec/scan.h"

struct sample {
	struct slice text;
	int strict, lenient; /* outcomes */
	size_t offset;	     /* of the fault */
};

#define GOOD(t)                                                                                    \
	{                                                                                          \
		.text = {(t), sizeof(t) - 1 }                                                      \
	}
#define BAD(t, at)                                                                                 \
	{                                                                                          \
		{(t), sizeof(t) - 1}, SCAN_BAD_JSON, SCAN_BAD_JSON, (at)                           \
	}
#define BAD_UTF8(t, at)                                                                            \
	{                                                                                          \
		{(t), sizeof(t) - 1}, SCAN_BAD_UTF8, SCAN_BAD_UTF8, (at)                           \
	}
#define LONE(t, at)                                                                                \
	{                                                                                          \
		{(t), sizeof(t) - 1}, SCAN_BAD_UTF8, 0, (at)                                       \
	}
#define BINARY(t, at)                                                                              \
	{                                                                                          \
		{(t), sizeof(t) - 1}, SCAN_BAD_BINARY, 0, (at)                                     \
	}
#define INFINITE(t, at)                                                                            \
	{                                                                                          \
		{(t), sizeof(t) - 1}, SCAN_BAD_NUMBER, 0, (at)                                     \
	}

/* 2^1024 less half a unit of the largest double, without its last two digits. */
#define LIMIT_307                                                                                  \
	"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490" \
	"1797758720709633028641669288791094655554785194040263065748867150582068190890200070838367" \
	"6273854845817711531764475730270069855571366959622842914819860834936475292719074168444365" \
	"5107043427115596995080930428801779041744977"

static const struct sample samples[] = {
	/* words */
	GOOD("null"),
	GOOD("true"),
	GOOD("false"),
	GOOD(" \t\r\n null \t\r\n "),
	BAD("", 0),
	BAD(" ", 1),
	BAD("nul", 3),
	BAD("nulL", 3),
	BAD("nullx", 4),
	BAD("Null", 0),
	BAD("tru", 3),
	BAD("truE", 3),
	BAD("fals", 4),
	BAD("falsy", 4),
	BAD("NaN", 0),
	BAD("nan", 1),
	BAD("Infinity", 0),
	BAD("-Infinity", 1),
	BAD("undefined", 0),
	BAD("null null", 5),
	BAD("null,", 4),
	BAD("'a'", 0),
	BAD("// no", 0),
	BAD("/**/1", 0),
	BAD("\v1", 0),
	BAD("1\f", 1),
	BAD("\xc2\xa0"
	    "1",
	    0),
	BAD("\xef\xbb\xbf{}", 0),

	/* numbers */
	GOOD("0"),
	GOOD("-0"),
	GOOD("7"),
	GOOD("-1"),
	GOOD("10"),
	GOOD("0.1"),
	GOOD("-0.0"),
	GOOD("0.000"),
	GOOD("1.50"),
	GOOD("1e5"),
	GOOD("1E5"),
	GOOD("1e+5"),
	GOOD("1e-5"),
	GOOD("0e0"),
	GOOD("-0E-00"),
	GOOD("1.5e007"),
	GOOD("123456789012345678901234567890"),
	GOOD("18446744073709551616"),
	GOOD("-9223372036854775809"),
	GOOD("1e308"),
	GOOD("10e307"),
	GOOD("0.1e309"),
	GOOD("0.000001e314"),
	GOOD("1.7976931348623157e308"),
	GOOD("-1.7976931348623158e308"),
	GOOD("179769313486231570000e288"),
	GOOD(LIMIT_307 "91"),
	GOOD(LIMIT_307 "91.99999"),
	GOOD("0." LIMIT_307 "91e309"),
	GOOD("0e999999999999999999999"),
	GOOD("0.0E+4000"),
	GOOD("1e-400"),
	GOOD("1e-99999999999999999999"),
	GOOD("0.00000000000000000001e-99999"),
	INFINITE("1e309", 0),
	INFINITE("1e400", 0),
	INFINITE("-1e400", 0),
	INFINITE(" 1E+400", 1),
	INFINITE("1.8e308", 0),
	INFINITE("1.7976931348623159e308", 0),
	INFINITE("0.1e310", 0),
	INFINITE("100e307", 0),
	INFINITE("0.00001e999", 0),
	INFINITE("1e99999999999999999999", 0),
	INFINITE(LIMIT_307 "92", 0),
	INFINITE("-" LIMIT_307 "92.0", 0),
	INFINITE("0." LIMIT_307 "92e309", 0),
	INFINITE(LIMIT_307 "910", 0),
	INFINITE("[1,2e555]", 3),
	INFINITE("{\"a\":{\"b\":1e310}}", 10),
	BAD("-", 1),
	BAD("+1", 0),
	BAD("--1", 1),
	BAD("- 1", 1),
	BAD(".5", 0),
	BAD("-.5", 1),
	BAD("1.", 2),
	BAD("1.e5", 2),
	BAD("1e", 2),
	BAD("1e+", 3),
	BAD("1e+-5", 3),
	BAD("1e5.5", 3),
	BAD("1.5.5", 3),
	BAD("01", 1),
	BAD("-01", 2),
	BAD("00", 1),
	BAD("0x10", 1),
	BAD("1_000", 1),
	BAD("1 2", 2),
	BAD("1a", 1),
	BAD("1\xc3\xa9", 1),
	BAD("[1.]", 3),
	BAD("[-]", 2),

	/* strings */
	GOOD("\"\""),
	GOOD("\"a\""),
	GOOD("\"1234567\""),
	GOOD("\"12345678\""),
	GOOD("\"123456789012345\""),
	GOOD("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	GOOD("\"\\u0000\""),
	GOOD("\"\\u0000eA==\""),
	GOOD("\"\\u0000AQID\""),
	GOOD("\"\\u0000+\\/8=\""),
	GOOD("\"a\\u0000x\""),
	GOOD("{\"\\u0000x\":1}"),
	BINARY("\"\\u0000x\"", 0),
	BINARY("[1,\"\\u0000AQI\"]", 3),
	BINARY("{\"a\":\"\\u0000====\"}", 5),
	BINARY("\"\\u0000AQ=D\"", 0),
	BINARY("\"\\u0000AQ-_\"", 0),
	BINARY("\"\\u0000A===\"", 0),
	BINARY("\"\\u0000AQ\\u0049D\"", 0),
	GOOD("\"\\u0041\\u00e9\\u20AC\\uFFFF\""),
	GOOD("\"\\ud83d\\ude00\""),
	GOOD("\"\\uDBFF\\uDFFF\""),
	GOOD("\"\x7f\""),
	GOOD("\"\xc2\x80\xdf\xbf\""),
	GOOD("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
	GOOD("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	GOOD("\"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\""),
	GOOD("\"gr\xc3\xbc\xc3\x9f"
	     "e, \xe2\x82\xac, \xf0\x9f\x98\x80!\""),
	BAD("\"", 1),
	BAD("\"abc", 4),
	BAD("\"abcdefghij", 11),
	BAD("\"\"\"", 2),
	BAD("\"a\" \"b\"", 4),
	BAD("\"a\nb\"", 2),
	BAD("\"a\tb\"", 2),
	BAD("\"12345678\x1f\"", 9),
	BAD("\"\\", 2),
	BAD("\"\\\"", 3),
	BAD("\"\\a\"", 2),
	BAD("\"\\'\"", 2),
	BAD("\"\\x41\"", 2),
	BAD("\"\\0\"", 2),
	BAD("\"\\U0041\"", 2),
	BAD("\"\\u\"", 3),
	BAD("\"\\u004\"", 6),
	BAD("\"\\u00g0\"", 5),
	BAD("\"\\u+041\"", 3),
	BAD("\"\\u 041\"", 3),
	BAD("\"\\\n\"", 2),
	BAD("\"\\\xc3\xa9\"", 2),
	LONE("\"\\ud800\"", 1),
	LONE("\"\\udc00\"", 1),
	LONE("\"\\uDFFF\\uD800\"", 1),
	LONE("\"ab\\ud83dx\"", 3),
	LONE("\"\\ud83d\\u0041\"", 1),
	LONE("\"\\ud83d\\ud83d\\ude00\"", 1),
	LONE("\"\\ud83d\\n\"", 1),
	LONE("{\"\\ud800\":1}", 2),
	BAD_UTF8("\"\x80\"", 1),
	BAD_UTF8("\"\xbf\"", 1),
	BAD_UTF8("\"\xc0\x80\"", 1),
	BAD_UTF8("\"\xc1\xbf\"", 1),
	BAD_UTF8("\"a\xc3\"", 2),
	BAD_UTF8("\"a\xc3(\"", 2),
	BAD_UTF8("\"\xe0\x80\x80\"", 1),
	BAD_UTF8("\"\xe0\x9f\xbf\"", 1),
	BAD_UTF8("\"\xe2\x82\"", 1),
	BAD_UTF8("\"\xe2(\xa1\"", 1),
	BAD_UTF8("\"\xed\xa0\x80\"", 1),
	BAD_UTF8("\"\xed\xbf\xbf\"", 1),
	BAD_UTF8("\"\xf0\x8f\xbf\xbf\"", 1),
	BAD_UTF8("\"\xf0\x9f\x98\"", 1),
	BAD_UTF8("\"\xf0\x9f\x98"
		 "A\"",
		 1),
	BAD_UTF8("\"\xf4\x90\x80\x80\"", 1),
	BAD_UTF8("\"\xf5\x80\x80\x80\"", 1),
	BAD_UTF8("\"\xfe\"", 1),
	BAD_UTF8("\"\xff\xff\xff\xff\xff\xff\xff\xff\"", 1),
	BAD_UTF8("\"1234567\xff\"", 8),
	BAD_UTF8("[\"\xc3\xa9\",\"\xe9\"]", 7),

	/* NUL bytes */
	BAD_UTF8("\0", 0),
	BAD_UTF8("1\0", 1),
	BAD_UTF8("\"\0\"", 1),
	BAD_UTF8("\"12345678\0\"", 9),
	BAD_UTF8("\"\\\0\"", 2),
	BAD_UTF8("\"\\u00\0"
		 "0\"",
		 5),
	BAD_UTF8("tr\0e", 2),
	BAD_UTF8("{\0}", 1),
	BAD_UTF8("[1\0]", 2),
	BAD_UTF8("{}\0", 2),
	BAD_UTF8("1.\0", 2),

	/* arrays */
	GOOD("[]"),
	GOOD("[ ]"),
	GOOD("[1]"),
	GOOD("[1,2]"),
	GOOD("[ 1 , 2 ]"),
	GOOD("[[],[[]],{}]"),
	GOOD("[null,true,false,-0,\"\",[],{}]"),
	GOOD(" [ [ ] , { } ] "),
	BAD("[", 1),
	BAD("[1", 2),
	BAD("[1,", 3),
	BAD("[,", 1),
	BAD("[,1]", 1),
	BAD("[1,]", 3),
	BAD("[1,,2]", 3),
	BAD("[1 2]", 3),
	BAD("[1}", 2),
	BAD("[1:2]", 2),
	BAD("[[1]", 4),
	BAD("[1]]", 3),
	BAD("]", 0),
	BAD("[}", 1),
	BAD("[1]a", 3),
	BAD("[\"a\":1]", 4),
	BAD("[{]}", 2),

	/* objects */
	GOOD("{}"),
	GOOD("{ }"),
	GOOD("{\"a\":1}"),
	GOOD("{\"\":\"\"}"),
	GOOD("{ \"a\" : 1 , \"b\" : [ 2 ] }"),
	GOOD("{\"a\":{\"a\":{\"a\":{}}}}"),
	GOOD("{\"a\":[1,{\"b\":[]}],\"c\":\"x\"}"),
	GOOD("[{\"a\":1,\"a\":2}]"),
	GOOD("{\"\\u0061\":1,\"b\\n\":2}"),
	BAD("{", 1),
	BAD("{oops", 1),
	BAD("{1:2}", 1),
	BAD("{null:1}", 1),
	BAD("{'a':1}", 1),
	BAD("{\"a\"", 4),
	BAD("{\"a\"}", 4),
	BAD("{\"a\",1}", 4),
	BAD("{\"a\" 1}", 5),
	BAD("{\"a\":", 5),
	BAD("{\"a\":}", 5),
	BAD("{\"a\"::1}", 5),
	BAD("{\"a\":1", 6),
	BAD("{\"a\":1,", 7),
	BAD("{\"a\":1,}", 7),
	BAD("{,\"a\":1}", 1),
	BAD("{\"a\":1 \"b\":2}", 7),
	BAD("{\"a\":1;\"b\":2}", 6),
	BAD("{\"a\":1]", 6),
	BAD("{\"a\":[1}", 7),
	BAD("{\"a\":{\"b\"}}", 9),
	BAD("{\"a\":1}}", 7),
	BAD("{\"a\":1}{", 7),
	BAD("{\"a\":1} x", 8),
	BAD("{]", 1),
	BAD("}", 0),
};
