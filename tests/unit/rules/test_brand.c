/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules/brand.c (R4.1). */
#include "rules/brand.h"

#include "tap.h"

TEST(imitations_of_a_brand)
{
	static const struct {
		const char *brand, *name;
		bool imitated;
	} rows[] = {
		{ "Acme Spend", "Acme Spend", true },
		{ "Acme Spend", "acme spend", true },
		{ "Acme Spend", "AcmeSpend", true },
		{ "Acme Spend", "A c m e  S p e n d", true },
		{ "Acme Spend", "Acme-Spend", true },
		{ "Acme Spend", "Acme.Spend, Inc.", true },
		{ "Acme Spend", "Official Acme Spend Export", true },
		{ "Acme Spend", "Acrne Spend", true },
		{ "Acme Spend", "Acme 5pend", true },
		{ "Acme Spend", "Acm3 $pend", true },
		{ "Acme Spend", "\xD0\x90\xD1\x81me Spend", true }, /* Cyrillic A, c */
		{ "Acme Spend",
			"\xCE\x91"
			"cme Spend",
			true }, /* Greek Alpha */
		{ "Acme Spend",
			"\xC3\x81"
			"cme Spend",
			true }, /* A with acute */
		{ "Acme Spend",
			"A\xCC\x81"
			"cme Spend",
			true }, /* combining acute */
		{ "Acme Spend", "Ac\xE2\x80\x8Bme Spend", true }, /* zero width space */
		{ "Acme Spend", "Ac\xC2\xADme Spend", true }, /* soft hyphen */
		{ "Acme Spend", "Acme\xC2\xA0Spend", true }, /* no-break space */
		{ "Acme Spend",
			"\xEF\xBC\xA1\xEF\xBC\xA3\xEF\xBC\xAD\xEF\xBC\xA5 Spend",
			true }, /* full width */
		{ "Google", "G00gle", true },
		{ "Google", "Goog1e", true },
		{ "Google", "GoogIe", true },
		{ "Google", "Goog|e Sync", true },
		{ "World Pay", "VVorld Pay", true },
		{ "B\xC3\xBC"
		  "cher AG",
			"Bucher AG", true },
		{ "Acme Spend", "Ledger Sync", false },
		{ "Acme Spend", "Acme Ledger", false },
		{ "Acme Spend", "Spend Acme", false },
		{ "Acme Spend", "Acme Send", false },
		{ "Acme Spend", "", false },
		{ "", "Ledger Sync", false },
		{ "  ", "Ledger Sync", false },
		/* a short brand is inside too many honest words */
		{ "Bo", "Cobol Bridge", false },
		{ "Bo", "B0", true },
		{ "\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC Sync", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();

		row("%s: %s", rows[i].brand, rows[i].name);
		check_int(brand_imitated(a, bytes_of(rows[i].brand),
			bytes_of(rows[i].name)), rows[i].imitated);
		arena_free(a);
	}
}

TEST(folding)
{
	static const struct { const char *text, *folded; } rows[] = {
		{ "Acme Spend", "acmespend" },
		{ "O0 Il1| rn vv", "oollllmw" },
		{ "!?.,", "l" },
		{ "A\xFF" "b", "ab" }, /* not UTF-8: hides nothing */
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();

		check_bytes(brand_fold(a, bytes_of(rows[i].text)),
			bytes_of(rows[i].folded));
		arena_free(a);
	}
}
