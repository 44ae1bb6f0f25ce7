/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_types.h - which names each page's template may use: the tables over the
 * structs of pages.h, and the struct that is around every page.
 */
#ifndef LATCHKEY_PAGES_PAGES_TYPES_H
#define LATCHKEY_PAGES_PAGES_TYPES_H

#include "pages/pages.h"
#include "pages/template.h"

/* Around every page. */
struct page_site {
	struct bytes brand;       /* "Acme Spend" */
	struct bytes style_path;  /* "/style-0123abcd.css" */
	struct bytes icon_path;   /* "/icon-0123abcd.svg" */
	struct bytes brand_logo;  /* "/brand-0123abcd.png"; empty: a letter is drawn */
};

extern const struct template_type site_type;
extern const struct template_type sign_in_type;
extern const struct template_type consent_type;
extern const struct template_type account_type;
extern const struct template_type message_type;
extern const struct template_type form_post_type;

#endif
