#ifndef CLibcurl_H
#define CLibcurl_H

/* Types and constants alone are taken from here: the functions below load libcurl when it is first needed, because
   linking it costs every start of the program 4 ms (it brings some thirty libraries), network or not. Calling a
   curl_* function directly would bring that back. */
#include <curl/curl.h>
#include <stddef.h>

/* Loads libcurl.so.4 and initialises it, once in the process. Returns NULL, or why it cannot be used. */
const char *ccurl_load(void);
/* The version of a loaded libcurl and of the libraries beneath it. */
const char *ccurl_version(void);

CURL *ccurl_easy_init(void);
void ccurl_easy_cleanup(CURL *easy);
CURLcode ccurl_easy_pause(CURL *easy, int bitmask);
const char *ccurl_easy_strerror(CURLcode code);

/* curl_easy_setopt is variadic, which Swift cannot call: one function a kind of argument. */
CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value);
CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value);
CURLcode ccurl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value);
/* The text is libcurl's own, and there until the next transfer. */
CURLcode ccurl_get_string(CURL *easy, CURLINFO info, const char **value);

/* Bytes that arrive; the answer is their count, or CURL_WRITEFUNC_PAUSE. */
typedef size_t (*ccurl_write_function)(char *bytes, size_t size, size_t count, void *context);
/* Bytes to send, copied to `bytes`; the answer is their count, 0 at the end. */
typedef size_t (*ccurl_read_function)(char *bytes, size_t size, size_t count, void *context);
/* Rewinds what is sent; the answer is CURL_SEEKFUNC_OK. */
typedef int (*ccurl_seek_function)(void *context, curl_off_t offset, int origin);
CURLcode ccurl_set_write(CURL *easy, ccurl_write_function body, ccurl_write_function header, void *context);
CURLcode ccurl_set_read(CURL *easy, ccurl_read_function read, ccurl_seek_function seek, void *context);
/* http and https alone, and sockets that no child process inherits. */
CURLcode ccurl_restrict(CURL *easy);

CURLM *ccurl_multi_init(void);
void ccurl_multi_cleanup(CURLM *multi);
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_perform(CURLM *multi, int *running);
CURLMcode ccurl_multi_poll(CURLM *multi, int milliseconds);
/* The same, woken by another descriptor that can be read, too. */
CURLMcode ccurl_multi_poll_with(CURLM *multi, int file, int milliseconds, int *is_ready);
CURLMcode ccurl_multi_wakeup(CURLM *multi);
/* The next finished transfer with its result, or NULL. */
CURL *ccurl_multi_finished(CURLM *multi, CURLcode *result);

struct curl_slist *ccurl_list_append(struct curl_slist *list, const char *text);
void ccurl_list_free(struct curl_slist *list);

#endif
