// SPDX-License-Identifier: Apache-2.0
//
// cxx.cpp - the header in a C++11 program: every structure is set up by LK_INIT, and what
// is called links by its C name. It is compiled and not run.
#include <latchkey/latchkey.h>

#include <string>

static int
show(void *, lk_way, const char *url, const char *)
{
	return url == nullptr;
}

static int
note(void *arg, const struct lk_info *info)
{
	*static_cast<std::string *>(arg) += info->name;
	return 0;
}

int
main()
{
	lk_options options = LK_INIT(lk_options);
	lk_registration registration = LK_INIT(lk_registration);
	lk_person person = LK_INIT(lk_person);
	lk_request request = LK_INIT(lk_request);
	std::string names;
	lk_connection *acme;
	lk_response *answer;
	struct lk_token *token;
	lk_error error;
	lk *library;

	options.flags = LK_EXISTING | LK_NO_AGENT;
	registration.issuer = "https://login.example";
	person.show = show;
	request.url = "https://api.example/";
	if (lk_open(&options, &library, &error) != LK_OK ||
		lk_list(library, note, &names, &error) != LK_OK ||
		lk_connect(library, "acme", &registration, &person, &acme, &error) != LK_OK ||
		lk_token(acme, &token, &error) != LK_OK ||
		lk_call(acme, &request, &answer, &error) != LK_OK)
		return error.status;
	lk_response_free(answer);
	lk_token_free(token);
	lk_close(library);
	return 0;
}
