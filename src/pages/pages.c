/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages.c - opens templates and brand, and renders each page.
 */
#include "pages/pages.h"

#include <stdlib.h>
#include <string.h>

#include "pages/look.h"
#include "pages/html.h"
#include "pages/logo.h"
#include "pages/pages_files.h"
#include "pages/pages_types.h"
#include "pages/words.h"

enum page { PAGE_SIGN_IN, PAGE_CONSENT, PAGE_ACCOUNT, PAGE_MESSAGE, PAGE_FORM_POST };

#define PAGE_COUNT 5
#define ASSETS_MAX 3
#define STYLE_MAX ((size_t)256 * 1024)

static const struct {
	const char *file;
	const struct template_type *type;
	bool may_script; /* U-13: one, by nonce */
} page_table[PAGE_COUNT] = {
	[PAGE_SIGN_IN] = { "sign_in.html", &sign_in_type, false },
	[PAGE_CONSENT] = { "consent.html", &consent_type, false },
	[PAGE_ACCOUNT] = { "account.html", &account_type, false },
	[PAGE_MESSAGE] = { "message.html", &message_type, false },
	[PAGE_FORM_POST] = { "form_post.html", &form_post_type, true },
};

struct pages {
	struct arena *arena;
	struct look look;
	struct page_site site;
	struct template *templates[PAGE_COUNT];
	struct page_asset assets[ASSETS_MAX];
	size_t asset_count;
};

/* "/style-0123abcd.css": a new content has a new name, so it is cached for ever. */
static struct bytes
add_asset(struct pages *p, const char *name, const char *ending, struct bytes type,
	struct bytes body)
{
	struct bytes path = bytes_of(arena_printf(p->arena, "/%s-%08x.%s", name,
		words_digest(body), ending));

	p->assets[p->asset_count++] = (struct page_asset){ path, type, body };
	return path;
}

static struct bytes
source_text(const struct pages_files *files, const char *name)
{
	for (size_t i = 0; i < pages_built_in_count; i++)
		if (strcmp(files->sources[i].name, name) == 0)
			return files->sources[i].text;
	return NONE;
}

/* The brand's colours, then the sheet that uses them. */
static void
add_style(struct pages *p, const struct pages_files *files)
{
	struct buf css = buf_new(p->arena, STYLE_MAX);

	buf_printf(&css, ":root{--brand:%.*s;--brand-dark:%.*s}\n",
		BYTES_FMT(p->look.accent), BYTES_FMT(p->look.accent_dark));
	buf_put(&css, source_text(files, "style.css"));
	p->site.style_path = add_asset(p, "style", "css", B("text/css; charset=utf-8"),
		buf_bytes(&css));
}

static void
put_initial(struct bytes name, struct buf *out)
{
	char memory[8];
	struct buf initial = buf_fixed(memory, sizeof(memory));

	words_initials(name, 1, &initial);
	html_text(out, buf_bytes(&initial));
}

/* What the browser's tab shows: the brand's initial on its colour. */
static void
add_icon(struct pages *p)
{
	struct buf svg = buf_new(p->arena, 1024);

	buf_printf(&svg,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\">"
		"<rect width=\"32\" height=\"32\" rx=\"8\" fill=\"%.*s\"/>"
		"<text x=\"16\" y=\"23\" font-family=\"sans-serif\" font-size=\"20\" "
		"font-weight=\"600\" text-anchor=\"middle\" fill=\"#fff\">",
		BYTES_FMT(p->look.accent));
	put_initial(p->look.name, &svg);
	buf_put(&svg, B("</text></svg>\n"));
	p->site.icon_path = add_asset(p, "icon", "svg", B("image/svg+xml"),
		buf_bytes(&svg));
}

static enum outcome
add_logo(struct pages *p, const char *dir, struct fault *f)
{
	const char *name = arena_cstr(p->arena, p->look.logo_file), *what;
	struct bytes body, type;
	uint32_t width, height;
	bool found;

	if (bytes_empty(p->look.logo_file))
		return DONE;
	TRY(pages_file(p->arena, dir, name, LOGO_MAX, &body, &found, f));
	if (!found) {
		(void)FAULT_AT(f, "brand.json: there is no logo file %.100s", name);
		return REFUSED;
	}
	if (!logo_check(body, &type, &width, &height, &what)) {
		(void)FAULT_AT(f, "%.60s: %s", name, what);
		return REFUSED;
	}
	p->site.brand_logo = add_asset(p, "brand",
		arena_cstr(p->arena, bytes_slice(type, strlen("image/"), type.n)), type,
		body);
	return DONE;
}

static enum outcome
read_templates(struct pages *p, const struct pages_files *files, struct fault *f)
{
	for (size_t i = 0; i < PAGE_COUNT; i++) {
		struct template_read read = {
			.sources = files->sources,
			.source_count = pages_built_in_count,
			.name = page_table[i].file,
			.site = &site_type,
			.page = page_table[i].type,
			.may_script = page_table[i].may_script,
		};

		TRY(template_read(p->arena, &read, &p->templates[i], f));
	}
	return DONE;
}

static enum outcome
open_in(struct pages *p, const char *dir, struct fault *f)
{
	struct pages_files files;

	TRY(pages_files_read(p->arena, dir, &files, f));
	if (files.has_brand)
		TRY(look_read(p->arena, files.brand, &p->look, f));
	p->site.brand = p->look.name;
	add_style(p, &files);
	add_icon(p);
	TRY(add_logo(p, dir, f));
	return read_templates(p, &files, f);
}

enum outcome
pages_open(const char *dir, struct bytes brand, struct pages **out, struct fault *f)
{
	struct arena *a = arena_new();
	struct pages *p = ARENA_NEW(a, struct pages);
	enum outcome outcome;

	p->arena = a;
	p->look = look_default(arena_bytes(a, brand));
	outcome = open_in(p, dir, f);
	if (outcome == DONE)
		*out = p;
	else
		arena_free(a);
	return outcome;
}

static void
put_under(struct pages *p, struct bytes path, struct bytes *asset)
{
	if (!bytes_empty(*asset))
		*asset = bytes_of(arena_printf(p->arena, "%.*s%.*s", BYTES_FMT(path),
			BYTES_FMT(*asset)));
}

void
pages_under(struct pages *p, struct bytes path)
{
	put_under(p, path, &p->site.style_path);
	put_under(p, path, &p->site.icon_path);
	put_under(p, path, &p->site.brand_logo);
}

void
pages_free(struct pages *p)
{
	if (p != NULL)
		arena_free(p->arena);
}

struct bytes
pages_brand(const struct pages *p)
{
	return p->look.name;
}

size_t
pages_assets(const struct pages *p, const struct page_asset **out)
{
	*out = p->assets;
	return p->asset_count;
}

void
page_sign_in(const struct pages *p, const struct page_sign_in *v, struct buf *out)
{
	template_write(p->templates[PAGE_SIGN_IN], &p->site, v, out);
}

void
page_consent(const struct pages *p, const struct page_consent *v, struct buf *out)
{
	template_write(p->templates[PAGE_CONSENT], &p->site, v, out);
}

void
page_account(const struct pages *p, const struct page_account *v, struct buf *out)
{
	template_write(p->templates[PAGE_ACCOUNT], &p->site, v, out);
}

void
page_message(const struct pages *p, const struct page_message *v, struct buf *out)
{
	template_write(p->templates[PAGE_MESSAGE], &p->site, v, out);
}

void
page_form_post(const struct pages *p, const struct page_form_post *v, struct buf *out)
{
	template_write(p->templates[PAGE_FORM_POST], &p->site, v, out);
}
