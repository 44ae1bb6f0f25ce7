/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_page.c - the story page, by the means of the pages room, with a brand of
 * its own. story.html is made part of the program as other templates are.
 */
#include <stddef.h>
#include <string.h>

#include "demo/app.h"
#include "pages/pages_files.h"
#include "pages/pages_types.h"

extern const struct template_source demo_built_in[];
extern const size_t demo_built_in_count;

struct app_look {
	struct arena *arena;
	struct pages *pages;
	struct template *story;
	struct page_site site;
};

/* ---- what story.html may name --------------------------------------------- */

static const struct template_field line_fields[] = { FIELD_TEXT(story_line, text) };
static const struct template_type line_type =
	TEMPLATE_TYPE("line", story_line, line_fields);

static bool
call_has_got(const void *value)
{
	return ((const struct story_call *)value)->got_count > 0;
}

static const struct template_field call_fields[] = {
	FIELD_TEXT(story_call, what),
	FIELD_TEXT(story_call, request),
	FIELD_TEXT(story_call, answer),
	FIELD_LIST(story_call, sent, sent_count, line_type),
	FIELD_LIST(story_call, got, got_count, line_type),
	FIELD_ASKED("has_got", call_has_got),
};
static const struct template_type call_type =
	TEMPLATE_TYPE("call", story_call, call_fields);

/* A step, and whether it is the last. */
struct step_view {
	struct bytes title, why, shows, verdict;
	const struct story_call *calls;
	size_t call_count;
	bool good, newest;
};
static const struct template_field step_fields[] = {
	FIELD_TEXT(step_view, title),
	FIELD_TEXT(step_view, why),
	FIELD_TEXT(step_view, shows),
	FIELD_TEXT(step_view, verdict),
	FIELD_LIST(step_view, calls, call_count, call_type),
	FIELD_FLAG(step_view, good),
	FIELD_FLAG(step_view, newest),
};
static const struct template_type step_type =
	TEMPLATE_TYPE("step", step_view, step_fields);

static const struct template_field button_fields[] = {
	FIELD_EXACT(app_button, name),
	FIELD_TEXT(app_button, label),
	FIELD_FLAG(app_button, next),
};
static const struct template_type button_type =
	TEMPLATE_TYPE("button", app_button, button_fields);

struct story_view {
	struct bytes platform, issuer, username, account, advice;
	const struct step_view *steps;
	size_t step_count;
	const struct app_button *buttons;
	size_t button_count;
	bool has_steps, connected, disconnect_next;
};
static const struct template_field story_fields[] = {
	FIELD_TEXT(story_view, platform),
	FIELD_TEXT(story_view, issuer),
	FIELD_TEXT(story_view, username),
	FIELD_TEXT(story_view, account),
	FIELD_TEXT(story_view, advice),
	FIELD_LIST(story_view, steps, step_count, step_type),
	FIELD_LIST(story_view, buttons, button_count, button_type),
	FIELD_FLAG(story_view, has_steps),
	FIELD_FLAG(story_view, connected),
	FIELD_FLAG(story_view, disconnect_next),
};
static const struct template_type story_page_type =
	TEMPLATE_TYPE("story", story_view, story_fields);

/* ---- the look ------------------------------------------------------------- */

/* Where the pages room's own pages find their style sheet, icon and logo. */
static void
find_assets(struct app_look *l)
{
	const struct page_asset *assets;
	size_t n = pages_assets(l->pages, &assets);

	l->site.brand = pages_brand(l->pages);
	for (size_t i = 0; i < n; i++)
		if (bytes_starts(assets[i].path, B("/style")))
			l->site.style_path = assets[i].path;
		else if (bytes_starts(assets[i].path, B("/icon")))
			l->site.icon_path = assets[i].path;
		else
			l->site.brand_logo = assets[i].path;
}

static enum outcome
read_template(struct app_look *l, struct fault *f)
{
	size_t own = demo_built_in_count, shared = pages_built_in_count;
	struct template_source *all =
		ARENA_ARRAY(l->arena, struct template_source, own + shared);

	memcpy(all, demo_built_in, own * sizeof all[0]);
	memcpy(all + own, pages_built_in, shared * sizeof all[0]);
	return template_read(l->arena,
		&(struct template_read){ .sources = all,
			.source_count = own + shared,
			.name = "story.html",
			.site = &site_type,
			.page = &story_page_type },
		&l->story, f);
}

enum outcome
app_look_new(const char *pages_dir, struct app_look **out, struct fault *f)
{
	struct arena *a = arena_new();
	struct app_look *l = ARENA_NEW(a, struct app_look);

	l->arena = a;
	if (pages_open(pages_dir, B(APP_NAME), &l->pages, f) != DONE ||
		(find_assets(l), read_template(l, f)) != DONE) {
		app_look_free(l);
		return FAULT;
	}
	*out = l;
	return DONE;
}

void
app_look_free(struct app_look *l)
{
	if (l == NULL)
		return;
	pages_free(l->pages);
	arena_free(l->arena);
}

void
app_look_story(const struct app_look *l, struct arena *a, const struct app_page *v,
	struct buf *out)
{
	size_t n = v->story != NULL ? v->story->count : 0;
	struct step_view *steps = ARENA_ARRAY(a, struct step_view, n + 1);
	struct story_view view = {
		.platform = v->platform,
		.issuer = v->issuer,
		.username = v->username,
		.account = v->account,
		.advice = v->advice,
		.steps = steps,
		.step_count = n,
		.buttons = v->buttons,
		.button_count = v->button_count,
		.has_steps = n > 0,
		.connected = v->connected,
		.disconnect_next = v->disconnect_next,
	};

	for (size_t i = 0; i < n; i++) {
		const struct story_step *s = &v->story->steps[i];
		steps[i] = (struct step_view){ s->title, s->why, s->shows, s->verdict,
			s->calls, s->call_count, s->good, i + 1 == n };
	}
	template_write(l->story, &l->site, &view, out);
}

void
app_look_message(
	const struct app_look *l, const struct page_message *v, struct buf *out)
{
	page_message(l->pages, v, out);
}

const struct page_asset *
app_look_asset(const struct app_look *l, struct bytes path)
{
	const struct page_asset *assets;
	size_t n = pages_assets(l->pages, &assets);

	for (size_t i = 0; i < n; i++)
		if (bytes_equal(assets[i].path, path))
			return &assets[i];
	return NULL;
}
