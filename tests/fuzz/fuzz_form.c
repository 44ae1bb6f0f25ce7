/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is read is clean text, and written again it reads the same. */
#include "fuzz.h"
#include "text/form.h"

static void
field_is_clean(const struct form_field *field)
{
	holds(utf8_text(field->name) && utf8_text(field->value));
	holds(!field->malformed || field->name.n == 0 || field->value.n == 0);
}

static void
reads_the_same_again(struct arena *a, const struct form *f)
{
	struct buf b = buf_new(a, 1 << 24);
	struct form again = { 0 };

	for (size_t i = 0; i < f->count; i++)
		form_pair(&b, f->fields[i].name, f->fields[i].value);
	holds(!b.failed);
	form_read(a, &again, buf_bytes(&b), FORM_BODY);
	holds(again.count == f->count && !again.too_many);
	for (size_t i = 0; i < f->count; i++) {
		struct bytes name = f->fields[i].name;

		holds(!again.fields[i].malformed);
		holds(bytes_equal(again.fields[i].name, name));
		holds(bytes_equal(again.fields[i].value, f->fields[i].value));
		holds(bytes_equal(form_get(&again, name), form_get(f, name)));
		holds(form_occurrences(&again, name) == form_occurrences(f, name));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct bytes text = { (const char *)data, size }, query = text;
	struct form f = { 0 }, pooled = { 0 };

	form_read(a, &f, text, FORM_BODY);
	holds(f.count <= FORM_MAX_FIELDS);
	for (size_t i = 0; i < f.count; i++)
		field_is_clean(&f.fields[i]);
	reads_the_same_again(a, &f);
	/* P-03: the same text in two halves has the same fields. */
	query = bytes_cut(&text, '&');
	form_read(a, &pooled, query, FORM_QUERY);
	form_read(a, &pooled, text, FORM_BODY);
	holds(pooled.count == f.count && pooled.too_many == f.too_many);
	arena_free(a);
	return 0;
}
