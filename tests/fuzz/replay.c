/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - runs a fuzz target over every file of a corpus directory.
 *
 * A promise that breaks ends the process, so the plan at the end is missing and
 * the test fails; an empty or missing corpus fails as well.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "fuzz.h"

#define SEED_MAX (1 << 20)

static uint8_t seed[SEED_MAX];

static int
ordinary(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* The input is copied to memory of just its size, so that ASan sees its end. */
static void
run(size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		abort();
	memcpy(exact, seed, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static int
replay(const char *directory, const char *name)
{
	char path[4096];
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "rb");
	if (file == NULL)
		return -1;
	size = fread(seed, 1, sizeof(seed), file);
	fclose(file);
	run(size);
	return 0;
}

int
main(int argc, char **argv)
{
	struct dirent **names;
	int count, failures = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &names, ordinary, alphasort);
	if (count <= 0) {
		fprintf(stderr, "%s: %s\n", argv[1],
			count < 0 ? strerror(errno) : "no seeds");
		return EXIT_FAILURE;
	}
	printf("TAP version 13\n1..%d\n", count);
	for (int i = 0; i < count; i++) {
		int result = replay(argv[1], names[i]->d_name);

		printf("%s %d - %s\n", result == 0 ? "ok" : "not ok", i + 1,
			names[i]->d_name);
		fflush(stdout);
		failures += result != 0;
		free(names[i]);
	}
	free(names);
	return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
