#define _GNU_SOURCE
/* The checking macros of curl.h would wrap calls through pointers that are not curl's own. */
#define CURL_DISABLE_TYPECHECK
#include "CLibcurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define FUNCTIONS(F)                                                                                                   \
  F(curl_global_init)                                                                                                  \
  F(curl_version)                                                                                                      \
  F(curl_easy_init)                                                                                                    \
  F(curl_easy_cleanup)                                                                                                 \
  F(curl_easy_pause)                                                                                                   \
  F(curl_easy_strerror)                                                                                                \
  F(curl_easy_setopt)                                                                                                  \
  F(curl_easy_getinfo)                                                                                                 \
  F(curl_multi_init)                                                                                                   \
  F(curl_multi_cleanup)                                                                                                \
  F(curl_multi_setopt)                                                                                                 \
  F(curl_multi_add_handle)                                                                                             \
  F(curl_multi_remove_handle)                                                                                          \
  F(curl_multi_perform)                                                                                                \
  F(curl_multi_poll)                                                                                                   \
  F(curl_multi_wakeup)                                                                                                 \
  F(curl_multi_info_read)                                                                                              \
  F(curl_slist_append)                                                                                                 \
  F(curl_slist_free_all)

#define DECLARE(name) static __typeof__(&name) p_##name;
FUNCTIONS(DECLARE)

static char failure[512];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
  void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(failure, sizeof failure, "libcurl cannot be loaded: %s", dlerror());
    return;
  }
#define LOOK_UP(name)                                                                                                  \
  p_##name = (__typeof__(p_##name))dlsym(library, #name);                                                              \
  if (!p_##name) {                                                                                                     \
    snprintf(failure, sizeof failure, "libcurl is too old: it has no %s", #name);                                      \
    return;                                                                                                            \
  }
  FUNCTIONS(LOOK_UP)
  if (p_curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
    snprintf(failure, sizeof failure, "libcurl cannot be initialised");
}

const char *ccurl_load(void) {
  pthread_once(&once, load);
  return failure[0] ? failure : NULL;
}

const char *ccurl_version(void) { return p_curl_version(); }

CURL *ccurl_easy_init(void) { return p_curl_easy_init(); }
void ccurl_easy_cleanup(CURL *easy) { p_curl_easy_cleanup(easy); }
CURLcode ccurl_easy_pause(CURL *easy, int bitmask) { return p_curl_easy_pause(easy, bitmask); }
const char *ccurl_easy_strerror(CURLcode code) { return p_curl_easy_strerror(code); }

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) { return p_curl_easy_setopt(easy, option, value); }
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
  return p_curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
  return p_curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) {
  return p_curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
  return p_curl_easy_setopt(easy, option, value);
}
CURLcode ccurl_get_long(CURL *easy, CURLINFO info, long *value) { return p_curl_easy_getinfo(easy, info, value); }
CURLcode ccurl_get_offset(CURL *easy, CURLINFO info, curl_off_t *value) {
  return p_curl_easy_getinfo(easy, info, value);
}
CURLcode ccurl_get_string(CURL *easy, CURLINFO info, const char **value) {
  return p_curl_easy_getinfo(easy, info, value);
}

CURLcode ccurl_set_write(CURL *easy, ccurl_write_function body, ccurl_write_function header, void *context) {
  CURLcode code = p_curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_WRITEDATA, context);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_HEADERDATA, context);
  return code;
}

CURLcode ccurl_set_read(CURL *easy, ccurl_read_function read, ccurl_seek_function seek, void *context) {
  CURLcode code = p_curl_easy_setopt(easy, CURLOPT_READFUNCTION, read);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_READDATA, context);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_SEEKDATA, context);
  return code;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURLcode ccurl_restrict(CURL *easy) {
  CURLcode code = p_curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  if (code == CURLE_OK) code = p_curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  return code;
}

CURLM *ccurl_multi_init(void) { return p_curl_multi_init(); }
void ccurl_multi_cleanup(CURLM *multi) { p_curl_multi_cleanup(multi); }
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return p_curl_multi_setopt(multi, option, value);
}
CURLMcode ccurl_multi_add(CURLM *multi, CURL *easy) { return p_curl_multi_add_handle(multi, easy); }
CURLMcode ccurl_multi_remove(CURLM *multi, CURL *easy) { return p_curl_multi_remove_handle(multi, easy); }
CURLMcode ccurl_multi_perform(CURLM *multi, int *running) { return p_curl_multi_perform(multi, running); }
CURLMcode ccurl_multi_poll(CURLM *multi, int milliseconds) {
  return p_curl_multi_poll(multi, NULL, 0, milliseconds, NULL);
}
CURLMcode ccurl_multi_poll_with(CURLM *multi, int file, int milliseconds, int *is_ready) {
  struct curl_waitfd waited = {.fd = file, .events = CURL_WAIT_POLLIN};
  CURLMcode code = p_curl_multi_poll(multi, &waited, 1, milliseconds, NULL);
  *is_ready = waited.revents != 0;
  return code;
}
CURLMcode ccurl_multi_wakeup(CURLM *multi) { return p_curl_multi_wakeup(multi); }

CURL *ccurl_multi_finished(CURLM *multi, CURLcode *result) {
  CURLMsg *message;
  int left;
  while ((message = p_curl_multi_info_read(multi, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    *result = message->data.result;
    return message->easy_handle;
  }
  return NULL;
}

struct curl_slist *ccurl_list_append(struct curl_slist *list, const char *text) {
  return p_curl_slist_append(list, text);
}
void ccurl_list_free(struct curl_slist *list) { p_curl_slist_free_all(list); }
