/* Functions that are inlined into one another, exported and not, and one without a size. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline __attribute__((always_inline)) long innermost(const char *text) {
  long sum = 0;
  for (const char *at = text; *at; at++)
    sum = sum * 31 + *at;
  return sum ^ (long)strlen(text);
}

static inline __attribute__((always_inline)) long middle(const char *text) {
  return innermost(text) + innermost(text + 1);
}

static __attribute__((noinline)) long hidden(const char *text) {
  return middle(text) * 3;
}

__attribute__((noinline, visibility("default"))) long exported(const char *text) {
  long found = hidden(text);
  if (found == 42)
    puts("the answer");
  return found + middle(text);
}

__asm__(".text\n"
        ".globl sizeless\n"
        ".type sizeless, @function\n"
        "sizeless:\n"
        "  nop\n"
        "  nop\n"
        "  ret\n");

int main(int count, char **arguments) {
  return (int)exported(arguments[count - 1]);
}
