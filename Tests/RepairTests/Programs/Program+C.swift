extension Program {
  private static let check = #"""
    #ifndef CHECK_H
    #define CHECK_H
    #include <stdio.h>
    static int number, failures;
    #define CHECK(condition, name) \
      do { \
        number++; \
        if (condition) printf("ok %d - %s\n", number, name); \
        else { failures++; printf("not ok %d - %s\n# %s:%d: %s\n", number, name, __FILE__, __LINE__, #condition); } \
      } while (0)
    #define DONE() (printf("1..%d\n", number), failures != 0)
    #endif
    """#

  private static func makefile(_ sources: String) -> String {
    "test: tests\n\t./tests\n\ntests: \(sources)\n\tcc -O0 -Wall -o $@ $(filter %.c,$^)\n"
  }

  static let ring = Program(
    name: "ring", runner: .make,
    files: [
      "Makefile": makefile("src/ring.c src/ring.h test/test_ring.c test/check.h"),
      "test/check.h": check,
      "src/ring.h": #"""
      #ifndef RING_H
      #define RING_H
      #include <stddef.h>
      typedef struct {
        unsigned char *data;
        size_t capacity;
        size_t head;
        size_t count;
      } ring;

      int ring_init(ring *r, size_t capacity);
      void ring_free(ring *r);
      size_t ring_write(ring *r, const unsigned char *bytes, size_t length);
      size_t ring_read(ring *r, unsigned char *bytes, size_t length);
      int ring_peek(const ring *r, size_t offset);
      long ring_find(const ring *r, unsigned char wanted);
      int ring_grow(ring *r, size_t capacity);
      #endif
      """#,
      "src/ring.c": #"""
      #include "ring.h"
      #include <stdlib.h>
      #include <string.h>

      int ring_init(ring *r, size_t capacity) {
        r->data = malloc(capacity);
        r->capacity = capacity;
        r->head = 0;
        r->count = 0;
        return r->data != NULL;
      }

      void ring_free(ring *r) {
        free(r->data);
        memset(r, 0, sizeof *r);
      }

      size_t ring_write(ring *r, const unsigned char *bytes, size_t length) {
        size_t room = r->capacity - r->count;
        size_t amount = length < room ? length : room;
        for (size_t i = 0; i < amount; i++) {
          size_t tail = (r->head + r->count) % r->capacity;
          r->data[tail] = bytes[i];
          r->count++;
        }
        return amount;
      }

      size_t ring_read(ring *r, unsigned char *bytes, size_t length) {
        size_t amount = length < r->count ? length : r->count;
        for (size_t i = 0; i < amount; i++) {
          bytes[i] = r->data[r->head];
          r->head = (r->head + 1) % r->capacity;
        }
        r->count -= amount;
        return amount;
      }

      int ring_peek(const ring *r, size_t offset) {
        if (offset >= r->count) {
          return -1;
        }
        return r->data[(r->head + offset) % r->capacity];
      }

      long ring_find(const ring *r, unsigned char wanted) {
        for (size_t i = 0; i < r->count; i++) {
          if (ring_peek(r, i) == wanted) {
            return (long)i;
          }
        }
        return -1;
      }

      int ring_grow(ring *r, size_t capacity) {
        if (capacity < r->count) {
          return 0;
        }
        unsigned char *data = malloc(capacity);
        if (data == NULL) {
          return 0;
        }
        size_t count = r->count;
        ring_read(r, data, count);
        free(r->data);
        r->data = data;
        r->capacity = capacity;
        r->head = 0;
        r->count = count;
        return 1;
      }
      """#,
      "test/test_ring.c": #"""
      #include "../src/ring.h"
      #include "check.h"
      #include <string.h>

      static void test_write_and_read(void) {
        ring r;
        unsigned char out[8];
        ring_init(&r, 4);
        CHECK(ring_write(&r, (const unsigned char *)"abc", 3) == 3, "writes three");
        CHECK(ring_peek(&r, 3) == -1, "peeks past its content");
        CHECK(ring_read(&r, out, 2) == 2 && memcmp(out, "ab", 2) == 0, "reads two");
        CHECK(ring_write(&r, (const unsigned char *)"defg", 4) == 3, "fills up");
        CHECK(r.count == 4, "is full");
        CHECK(ring_read(&r, out, 8) == 4 && memcmp(out, "cdef", 4) == 0, "wraps around");
        CHECK(ring_read(&r, out, 1) == 0, "is empty");
        ring_free(&r);
      }

      static void test_peek_and_find(void) {
        ring r;
        unsigned char out[8];
        ring_init(&r, 4);
        ring_write(&r, (const unsigned char *)"wxyz", 4);
        ring_read(&r, out, 2);
        ring_write(&r, (const unsigned char *)"ab", 2);
        CHECK(ring_peek(&r, 0) == 'y', "peeks first");
        CHECK(ring_peek(&r, 2) == 'a', "peeks around the end");
        CHECK(ring_peek(&r, 4) == -1, "peeks past the end");
        CHECK(ring_find(&r, 'b') == 3, "finds the last");
        CHECK(ring_find(&r, 'w') == -1, "does not find what was read");
        ring_free(&r);
      }

      static void test_grow(void) {
        ring r;
        unsigned char out[8];
        ring_init(&r, 3);
        ring_write(&r, (const unsigned char *)"abc", 3);
        ring_read(&r, out, 1);
        ring_write(&r, (const unsigned char *)"d", 1);
        CHECK(ring_grow(&r, 2) == 0, "does not shrink below its content");
        CHECK(ring_grow(&r, 3) == 1, "may keep its size");
        CHECK(ring_grow(&r, 6) == 1, "grows");
        CHECK(ring_write(&r, (const unsigned char *)"efg", 3) == 3, "has room");
        CHECK(ring_read(&r, out, 8) == 6 && memcmp(out, "bcdefg", 6) == 0, "keeps the order");
        ring_free(&r);
      }

      int main(void) {
        test_write_and_read();
        test_peek_and_find();
        test_grow();
        return DONE();
      }
      """#,
    ],
    bugs: [
      Bug(
        name: "grown ring forgets", file: "src/ring.c", correct: "  r->count = count;\n", broken: ""),
      Bug(
        name: "peek forgets the head", file: "src/ring.c", correct: "return r->data[(r->head + offset) % r->capacity];",
        broken: "return r->data[offset % r->capacity];"),
      Bug(
        name: "peek past the end", file: "src/ring.c", correct: "if (offset >= r->count) {",
        broken: "if (offset >= r->capacity) {"),
    ])

  static let sorting = Program(
    name: "sorting", runner: .make,
    files: [
      "Makefile": makefile("sorted.c sorted.h test_sorted.c check.h"),
      "check.h": check,
      "sorted.h": #"""
      #include <stddef.h>
      size_t lower_bound(const int *values, size_t count, int wanted);
      int contains(const int *values, size_t count, int wanted);
      size_t insert_sorted(int *values, size_t count, int value);
      size_t unique(int *values, size_t count);
      size_t merge(const int *a, size_t m, const int *b, size_t n, int *out);
      void insertion_sort(int *values, size_t count);
      """#,
      "sorted.c": #"""
      #include "sorted.h"

      size_t lower_bound(const int *values, size_t count, int wanted) {
        size_t low = 0, high = count;
        while (low < high) {
          size_t middle = low + (high - low) / 2;
          if (values[middle] < wanted) {
            low = middle + 1;
          } else {
            high = middle;
          }
        }
        return low;
      }

      int contains(const int *values, size_t count, int wanted) {
        size_t at = lower_bound(values, count, wanted);
        return at < count && values[at] == wanted;
      }

      size_t insert_sorted(int *values, size_t count, int value) {
        size_t at = lower_bound(values, count, value);
        for (size_t i = count; i > at; i--) {
          values[i] = values[i - 1];
        }
        values[at] = value;
        return count + 1;
      }

      size_t unique(int *values, size_t count) {
        if (count == 0) return 0;
        size_t kept = 1;
        for (size_t i = 1; i < count; i++) {
          if (values[i] != values[kept - 1]) {
            values[kept++] = values[i];
          }
        }
        return kept;
      }

      size_t merge(const int *a, size_t m, const int *b, size_t n, int *out) {
        size_t i = 0, j = 0, k = 0;
        while (i < m && j < n) {
          if (b[j] < a[i]) {
            out[k++] = b[j++];
          } else {
            out[k++] = a[i++];
          }
        }
        while (i < m) out[k++] = a[i++];
        while (j < n) out[k++] = b[j++];
        return k;
      }

      void insertion_sort(int *values, size_t count) {
        for (size_t i = 1; i < count; i++) {
          int value = values[i];
          size_t j = i;
          while (j > 0 && values[j - 1] > value) {
            values[j] = values[j - 1];
            j--;
          }
          values[j] = value;
        }
      }
      """#,
      "test_sorted.c": #"""
      #include "sorted.h"
      #include "check.h"
      #include <string.h>

      int main(void) {
        int values[16] = {1, 3, 3, 5, 9};
        CHECK(lower_bound(values, 5, 0) == 0, "before all");
        CHECK(lower_bound(values, 5, 3) == 1, "first of equals");
        CHECK(lower_bound(values, 5, 4) == 3, "between");
        CHECK(lower_bound(values, 5, 10) == 5, "after all");
        CHECK(contains(values, 5, 9), "contains the last");
        CHECK(!contains(values, 5, 4), "does not contain four");
        values[5] = 10;
        CHECK(!contains(values, 5, 10), "does not look past the end");
        CHECK(insert_sorted(values, 5, 4) == 6, "inserts");
        CHECK(memcmp(values, (int[]){1, 3, 3, 4, 5, 9}, 6 * sizeof(int)) == 0, "at its place");
        CHECK(insert_sorted(values, 6, 0) == 7 && values[0] == 0 && values[6] == 9, "inserts at the front");
        CHECK(unique(values, 7) == 6 && values[2] == 3 && values[3] == 4, "drops repeats");
        CHECK(unique(values, 0) == 0, "of nothing");
        int out[8];
        CHECK(merge((int[]){1, 4, 6}, 3, (int[]){2, 4, 9, 11}, 4, out) == 7, "merges all");
        CHECK(memcmp(out, (int[]){1, 2, 4, 4, 6, 9, 11}, 7 * sizeof(int)) == 0, "in order");
        int mixed[] = {5, 2, 8, 2, 1};
        insertion_sort(mixed, 5);
        CHECK(memcmp(mixed, (int[]){1, 2, 2, 5, 8}, sizeof mixed) == 0, "sorts");
        return DONE();
      }
      """#,
    ],
    bugs: [
      Bug(
        name: "remainder of b is dropped", file: "sorted.c", correct: "  while (j < n) out[k++] = b[j++];\n", broken: ""
      ),
      Bug(
        name: "looks past the end", file: "sorted.c", correct: "return at < count && values[at] == wanted;",
        broken: "return values[at] == wanted;"),
      Bug(
        name: "compares with the neighbour", file: "sorted.c", correct: "if (values[i] != values[kept - 1]) {",
        broken: "if (values[i] != values[kept]) {"),
      Bug(
        name: "first element is not looked at", file: "sorted.c",
        correct: "while (j > 0 && values[j - 1] > value) {", broken: "while (j > 1 && values[j - 1] > value) {"),
    ])

  static let words = Program(
    name: "words", runner: .make,
    files: [
      "Makefile": makefile("words.c words.h test_words.c check.h"),
      "check.h": check,
      "words.h": #"""
      #include <stddef.h>
      size_t count_words(const char *text);
      char *trim(char *text);
      int starts_with(const char *text, const char *prefix);
      char *replace(const char *text, const char *from, const char *to);
      int parse_hex(const char *text, unsigned *value);
      """#,
      "words.c": #"""
      #include "words.h"
      #include <ctype.h>
      #include <stdlib.h>
      #include <string.h>

      size_t count_words(const char *text) {
        size_t count = 0;
        int inside = 0;
        for (; *text; text++) {
          if (isspace((unsigned char)*text)) {
            inside = 0;
          } else if (!inside) {
            inside = 1;
            count++;
          }
        }
        return count;
      }

      char *trim(char *text) {
        while (isspace((unsigned char)*text)) text++;
        char *end = text + strlen(text);
        while (end > text && isspace((unsigned char)end[-1])) end--;
        *end = '\0';
        return text;
      }

      int starts_with(const char *text, const char *prefix) {
        return strncmp(text, prefix, strlen(prefix)) == 0;
      }

      char *replace(const char *text, const char *from, const char *to) {
        size_t step = strlen(from), extra = strlen(to), length = 0;
        char *result = malloc(strlen(text) * (extra + 1) + 1);
        if (!result) return NULL;
        while (*text) {
          if (step > 0 && strncmp(text, from, step) == 0) {
            memcpy(result + length, to, extra);
            length += extra;
            text += step;
          } else {
            result[length++] = *text++;
          }
        }
        result[length] = '\0';
        return result;
      }

      int parse_hex(const char *text, unsigned *value) {
        unsigned result = 0;
        if (*text == '\0') return 0;
        for (; *text; text++) {
          int digit;
          if (*text >= '0' && *text <= '9') digit = *text - '0';
          else if (*text >= 'a' && *text <= 'f') digit = *text - 'a' + 10;
          else if (*text >= 'A' && *text <= 'F') digit = *text - 'A' + 10;
          else return 0;
          result = result * 16 + digit;
        }
        *value = result;
        return 1;
      }
      """#,
      "test_words.c": #"""
      #include "words.h"
      #include "check.h"
      #include <stdlib.h>
      #include <string.h>

      static int replaces(const char *text, const char *from, const char *to, const char *expected) {
        char *result = replace(text, from, to);
        int same = strcmp(result, expected) == 0;
        free(result);
        return same;
      }

      int main(void) {
        CHECK(count_words("") == 0, "no words");
        CHECK(count_words("one") == 1, "one word");
        CHECK(count_words("  one two\tthree ") == 3, "three words");
        char text[] = "  a b ";
        CHECK(strcmp(trim(text), "a b") == 0, "trims both ends");
        char blank[] = "   ";
        CHECK(strcmp(trim(blank), "") == 0, "trims to nothing");
        CHECK(starts_with("abc", "ab"), "starts");
        CHECK(!starts_with("abc", "b"), "does not start");
        CHECK(starts_with("abc", ""), "starts with nothing");
        CHECK(replaces("a-b-c", "-", "+", "a+b+c"), "replaces all");
        CHECK(replaces("aaa", "aa", "b", "ba"), "replaces from the left");
        CHECK(replaces("abc", "", "x", "abc"), "nothing to replace");
        CHECK(replaces("x.y", ".", "", "xy"), "removes");
        unsigned value = 7;
        CHECK(parse_hex("fF", &value) && value == 255, "hex");
        CHECK(parse_hex("10", &value) && value == 16, "hex digits");
        CHECK(!parse_hex("", &value), "hex of nothing");
        CHECK(!parse_hex("1g", &value) && value == 16, "not hex");
        return DONE();
      }
      """#,
    ],
    bugs: [
      Bug(
        name: "compares all of it", file: "words.c", correct: "return strncmp(text, prefix, strlen(prefix)) == 0;",
        broken: "return strcmp(text, prefix) == 0;"),
      Bug(
        name: "letters count from zero", file: "words.c", correct: "digit = *text - 'A' + 10;",
        broken: "digit = *text - 'A';"),
      Bug(
        name: "state is kept", file: "words.c", correct: "      inside = 1;\n", broken: ""),
      Bug(
        name: "end not written", file: "words.c", correct: "  *end = '\\0';\n", broken: ""),
    ])
}
