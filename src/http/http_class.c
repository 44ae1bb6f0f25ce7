/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_class.c - one table of the ASCII bytes; beyond ASCII only a field value
 * may go (obs-text).
 */
#include "http/http_class.h"

#define TOKEN HTTP_TOKEN
#define VALUE HTTP_VALUE
#define PATH HTTP_PATH
#define QUERY HTTP_QUERY
#define HOST HTTP_HOST
#define URI (VALUE | PATH | QUERY | HOST)
#define ANY (URI | TOKEN)

/* clang-format off */
static const uint8_t classes[128] = {
	['\t'] = VALUE, [' '] = VALUE, ['"'] = VALUE, ['<'] = VALUE, ['>'] = VALUE,
	['#'] = VALUE | TOKEN,
	['\\'] = VALUE | QUERY, ['{'] = VALUE | QUERY, ['}'] = VALUE | QUERY,
	['^'] = VALUE | TOKEN | QUERY, ['`'] = VALUE | TOKEN | QUERY,
	['|'] = VALUE | TOKEN | QUERY,
	['['] = VALUE | QUERY | HOST, [']'] = VALUE | QUERY | HOST,
	['@'] = VALUE | PATH | QUERY, ['/'] = VALUE | PATH | QUERY,
	['?'] = VALUE | QUERY,
	['('] = URI, [')'] = URI, [','] = URI, [';'] = URI, ['='] = URI, [':'] = URI,
	['!'] = ANY, ['$'] = ANY, ['%'] = ANY, ['&'] = ANY, ['\''] = ANY, ['*'] = ANY,
	['+'] = ANY, ['-'] = ANY, ['.'] = ANY, ['_'] = ANY, ['~'] = ANY,
	['0'] = ANY, ['1'] = ANY, ['2'] = ANY, ['3'] = ANY, ['4'] = ANY, ['5'] = ANY,
	['6'] = ANY, ['7'] = ANY, ['8'] = ANY, ['9'] = ANY, ['A'] = ANY, ['B'] = ANY,
	['C'] = ANY, ['D'] = ANY, ['E'] = ANY, ['F'] = ANY, ['G'] = ANY, ['H'] = ANY,
	['I'] = ANY, ['J'] = ANY, ['K'] = ANY, ['L'] = ANY, ['M'] = ANY, ['N'] = ANY,
	['O'] = ANY, ['P'] = ANY, ['Q'] = ANY, ['R'] = ANY, ['S'] = ANY, ['T'] = ANY,
	['U'] = ANY, ['V'] = ANY, ['W'] = ANY, ['X'] = ANY, ['Y'] = ANY, ['Z'] = ANY,
	['a'] = ANY, ['b'] = ANY, ['c'] = ANY, ['d'] = ANY, ['e'] = ANY, ['f'] = ANY,
	['g'] = ANY, ['h'] = ANY, ['i'] = ANY, ['j'] = ANY, ['k'] = ANY, ['l'] = ANY,
	['m'] = ANY, ['n'] = ANY, ['o'] = ANY, ['p'] = ANY, ['q'] = ANY, ['r'] = ANY,
	['s'] = ANY, ['t'] = ANY, ['u'] = ANY, ['v'] = ANY, ['w'] = ANY, ['x'] = ANY,
	['y'] = ANY, ['z'] = ANY,
};
/* clang-format on */

bool
http_all_are(struct bytes b, enum http_class class)
{
	for (size_t i = 0; i < b.n; i++) {
		unsigned char c = (unsigned char)b.p[i];

		if (c < 0x80 ? (classes[c] & class) == 0 : class != HTTP_VALUE)
			return false;
	}
	return true;
}

struct bytes
http_trim(struct bytes b)
{
	while (b.n > 0 && (b.p[0] == ' ' || b.p[0] == '\t'))
		b = bytes_slice(b, 1, b.n);
	while (b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
		b.n--;
	return b;
}
