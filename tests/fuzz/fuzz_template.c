/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_template.c - any text as a template, any bytes as its values.
 *
 * A template that is read has no more markup with a hostile value in it than with
 * the value "x": what comes from outside never opens a tag or leaves its quotes.
 */
#include "base/arena.h"
#include "fuzz.h"
#include "pages/template.h"

struct thing {
	struct bytes text, exact;
	bool flag;
	const struct thing *things;
	size_t count;
};

static const struct template_type thing_type;

static const struct template_field thing_fields[] = {
	FIELD_TEXT(thing, text),
	FIELD_EXACT(thing, exact),
	FIELD_FLAG(thing, flag),
	FIELD_LIST(thing, things, count, thing_type),
};
static const struct template_type thing_type =
	TEMPLATE_TYPE("thing", thing, thing_fields);

static size_t
count_markup(struct bytes page)
{
	size_t count = 0;

	for (size_t i = 0; i < page.n; i++)
		count += page.p[i] == '<' || page.p[i] == '>' || page.p[i] == '"' ||
			page.p[i] == '\'';
	return count;
}

static size_t
written_markup(struct arena *a, const struct template *t, struct bytes value)
{
	struct buf out = buf_new(a, (size_t)1 << 20);
	struct thing inner[2] = { { .text = value }, { .exact = value, .flag = true } };
	struct thing outer = { value, value, true, inner, 2 };

	template_write(t, NULL, &outer, &out);
	return out.failed ? 0 : count_markup(buf_bytes(&out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes value = { (const char *)data, size };
	struct template_source source = { "page.html", bytes_cut(&value, '\0') };
	struct template_read asked = { .sources = &source, .source_count = 1,
		.name = "page.html", .page = &thing_type, .may_script = size % 2 == 0 };
	struct arena *a = arena_new();
	struct template *t;
	struct fault f = { 0 };
	enum outcome outcome = template_read(a, &asked, &t, &f);

	holds(outcome == DONE || f.line > 0);
	if (outcome == DONE) {
		size_t hostile = written_markup(a, t, value);
		size_t plain = written_markup(a, t, bytes_empty(value) ? NONE : B("x"));

		holds(hostile == plain || hostile == 0);
	}
	arena_free(a);
	return 0;
}
