/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener_page.c - one small page, in the look of the server's pages.
 */
#include "client/listener_page.h"

#include "crypto/digest.h"
#include "text/base64url.h"

/* The style is allowed by its digest, so that nothing else ever is. */
static const struct bytes style = BI(
	":root{color-scheme:light dark}"
	"body{margin:0;min-height:100vh;display:grid;place-items:center;"
	"font:1rem/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}"
	"main{max-width:28rem;margin:1rem;padding:2rem;border:1px solid GrayText;"
	"border-radius:.75rem}"
	"h1{font-size:1.25rem;margin:0 0 .5rem}p{margin:0}");

static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" }, { 303, "See Other" }, { 400, "Bad Request" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Refused";
}

static void
put_escaped(struct buf *b, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '&':
			buf_put(b, B("&amp;"));
			break;
		case '<':
			buf_put(b, B("&lt;"));
			break;
		case '>':
			buf_put(b, B("&gt;"));
			break;
		case '"':
			buf_put(b, B("&quot;"));
			break;
		case '\'':
			buf_put(b, B("&#39;"));
			break;
		default:
			buf_putc(b, text.p[i]);
		}
	}
}

/* What every answer says of itself. */
static void
put_head(struct arena *a, struct buf *b, int status, size_t length)
{
	uint8_t digest[DIGEST_SIZE];
	struct bytes hash;

	sha256(style, digest);
	hash = base64_encode(a, (struct bytes){ (const char *)digest, sizeof(digest) });
	buf_printf(b, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
	buf_printf(b, "Content-Length: %zu\r\n", length);
	buf_put(b, B("Content-Type: text/html; charset=utf-8\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"Referrer-Policy: no-referrer\r\n"
		"Cache-Control: no-store\r\n"
		"Connection: close\r\n"));
	buf_printf(b, "Content-Security-Policy: default-src 'none'; "
		"style-src 'sha256-%.*s'; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'\r\n", BYTES_FMT(hash));
	if (status == 405)
		buf_put(b, B("Allow: GET\r\n"));
}

struct bytes
listener_redirect(struct arena *a, struct bytes location)
{
	struct buf b = buf_new(a, LISTENER_ANSWER_MAX);

	put_head(a, &b, 303, 0);
	buf_put(&b, B("Location: "));
	buf_put(&b, location);
	buf_put(&b, B("\r\n\r\n"));
	return buf_bytes(&b);
}

struct bytes
listener_page(struct arena *a, int status, const char *title, const char *sentence)
{
	struct buf body = buf_new(a, LISTENER_ANSWER_MAX / 2);
	struct buf b = buf_new(a, LISTENER_ANSWER_MAX);

	buf_put(&body, B("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width\"><title>"));
	put_escaped(&body, bytes_of(title));
	buf_put(&body, B("</title><style>"));
	buf_put(&body, style);
	buf_put(&body, B("</style></head><body><main><h1>"));
	put_escaped(&body, bytes_of(title));
	buf_put(&body, B("</h1><p>"));
	put_escaped(&body, bytes_slice(bytes_of(sentence), 0, 512));
	buf_put(&body, B("</p></main></body></html>\n"));
	put_head(a, &b, status, body.n);
	buf_put(&b, B("\r\n"));
	buf_put(&b, buf_bytes(&body));
	return buf_bytes(&b);
}
