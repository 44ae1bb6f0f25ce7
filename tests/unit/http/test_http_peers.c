/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http_peers.c and of how http_address.c tells addresses apart. */
#include "http/http_peers.h"

#include "tap.h"

static struct http_address
address(const char *text)
{
	struct http_address a = { 0 };

	check(http_address_parse(bytes_of(text), &a));
	return a;
}

static const struct {
	const char *name, *one, *other;
	bool shared; /* they count as one */
} rows[] = {
	{ "the same", "192.0.2.1", "192.0.2.1", true },
	{ "IPv4 in both forms", "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "neighbours in IPv4", "192.0.2.1", "192.0.2.2", false },
	{ "one /64", "2001:db8::1", "2001:db8::ffff:2", true },
	{ "two /64", "2001:db8::1", "2001:db8:0:1::1", false },
};

TEST(an_address_counts_alone_and_ipv6_by_its_64)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_address one = address(rows[i].one);
		struct http_address other = address(rows[i].other);
		struct http_peers *p = http_peers_new();
		struct http_peer *first = http_peers_enter(p, &one, 1);

		row("%s", rows[i].name);
		check(first != NULL);
		check(http_peers_enter(p, &one, 1) == NULL);
		check((http_peers_enter(p, &other, 1) == NULL) == rows[i].shared);
		http_peers_leave(p, first);
		check(http_peers_enter(p, &one, 1) != NULL);
		http_peers_free(p);
	}
}

TEST(many_addresses_come_and_go)
{
	enum { MANY = 5000 };
	static struct http_peer *peers[MANY];
	struct http_peers *p = http_peers_new();

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			char text[40];
			struct http_address a;

			snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
			a = address(text);
			peers[i] = http_peers_enter(p, &a, 1);
			check(peers[i] != NULL);
		}
		for (int i = 0; i < MANY; i++)
			http_peers_leave(p, peers[(i * 7) % MANY]);
	}
	http_peers_leave(p, NULL);
	http_peers_free(p);
}

TEST(an_address_is_known_for_an_hour_and_ipv6_by_its_64)
{
	const int64_t hour = 3600 * 1000, then = 5000;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_address one = address(rows[i].one);
		struct http_address other = address(rows[i].other);
		struct http_peers *p = http_peers_new();

		row("%s", rows[i].name);
		check(!http_peers_know(p, &one, then));
		http_peers_learn(p, &one, then);
		check(http_peers_know(p, &one, then + hour - 1));
		check(!http_peers_know(p, &one, then + hour));
		check(http_peers_know(p, &other, then) == rows[i].shared);
		http_peers_free(p);
	}
}

TEST(an_address_has_one_form_as_text)
{
	static const struct {
		const char *in, *out;
	} forms[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0:0::0001", "2001:db8::1" },
		{ "unix", "unix" },
	};
	static const char *const none[] = { "", "192.0.2", "192.0.2.1:80", "[::1]", "a.example",
		"UNIX", " ::1", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20" };
	struct http_address a;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char text[INET6_ADDRSTRLEN];

		a = address(forms[i].in);
		check_str(http_address_text(&a, text), forms[i].out);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		row("%s", none[i]);
		check(!http_address_parse(bytes_of(none[i]), &a));
	}
}
