/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render_pages.c - writes every sample page, and the assets it asks for, into a
 * directory, where a browser or an HTML checker can look at them. With a second
 * argument the pages are those of an operator's directory.
 */
#include <stdio.h>
#include <stdlib.h>

#include "samples.h"

#define PAGE_MAX ((size_t)256 * 1024)

static void
write_file(const char *directory, const char *name, struct bytes content)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(content.p, 1, content.n, file) != content.n ||
		fclose(file) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void
write_sample(const struct pages *p, const struct sample *s, const char *directory)
{
	struct arena *a = arena_new();
	struct buf out = buf_new(a, PAGE_MAX);

	s->write(p, &out);
	if (out.failed) {
		fprintf(stderr, "%s: larger than %zu bytes\n", s->name, PAGE_MAX);
		exit(EXIT_FAILURE);
	}
	write_file(directory, arena_printf(a, "%s.html", s->name), buf_bytes(&out));
	arena_free(a);
}

int
main(int argc, char **argv)
{
	const struct page_asset *assets;
	struct pages *p;
	struct fault f;

	if (argc < 2) {
		fprintf(stderr, "usage: %s DIRECTORY [TEMPLATES]\n", argv[0]);
		return 2;
	}
	if (pages_open(argc > 2 ? argv[2] : NULL, B("Acme Spend"), &p, &f) != DONE) {
		fprintf(stderr, "%s\n", f.what);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sample_count; i++)
		write_sample(p, &samples[i], argv[1]);
	for (size_t i = pages_assets(p, &assets); i-- > 0;)
		write_file(argv[1], assets[i].path.p + 1, assets[i].body);
	pages_free(p);
	return EXIT_SUCCESS;
}
