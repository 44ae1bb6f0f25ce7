/* SPDX-License-Identifier: Apache-2.0 */
/* What is read can be written and read again; what we write is always JSON. */
#include "fuzz.h"
#include "text/json.h"
#include "text/utf8.h"

#define LARGEST (1 << 20)

static void
reads_the_same_again(struct bytes text)
{
	const char *why = NULL;
	json_t *document = json_read(text, LARGEST, &why), *again;
	char *dump;

	if (document == NULL) {
		holds(why != NULL);
		return;
	}
	dump = json_dumps(document, JSON_ENCODE_ANY);
	holds(dump != NULL);
	again = json_read(bytes_of(dump), SIZE_MAX, &why);
	holds(again != NULL && json_equal(document, again));
	json_decref(again);
	json_decref(document);
	free(dump);
}

static void
any_bytes_can_be_written(struct arena *a, struct bytes value)
{
	struct buf b = buf_new(a, value.n * 6 + 20);
	struct json_out j = json_out(&b);
	json_error_t error;
	json_t *document;

	json_open(&j, '{');
	json_key(&j, "value");
	json_bytes(&j, value);
	json_member(&j, "again", value);
	json_close(&j, '}');
	if (b.failed) /* both together may be too long; one never is */
		return;
	holds(utf8_valid(buf_bytes(&b)));
	document = json_loadb(b.p, b.n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	holds(document != NULL);
	if (utf8_valid(value)) {
		const json_t *read = json_object_get(document, "value");

		holds(bytes_equal(value, (struct bytes){ json_string_value(read),
						 json_string_length(read) }));
	}
	json_decref(document);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes input = { (const char *)data, size };

	reads_the_same_again(input);
	any_bytes_can_be_written(a, input);
	arena_free(a);
	return 0;
}
