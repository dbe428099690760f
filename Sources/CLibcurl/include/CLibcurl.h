#ifndef CLibcurl_H
#define CLibcurl_H
#include <curl/curl.h>
#endif
