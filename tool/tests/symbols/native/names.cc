// Names that the compiler mangles.
#include <cstdio>

namespace serving {

template <typename Item> struct Reader {
  Item item;
  __attribute__((noinline, noipa)) long read(long size) const { return size * item; }
};

__attribute__((noinline, noipa)) long relay(const Reader<int> &reader, const char *text) {
  return reader.read(text[0]);
}

} // namespace serving

int main(int count, char **arguments) {
  serving::Reader<int> reader{count};
  auto lambda = [&](long more) __attribute__((noinline, noipa)) { return more + count; };
  return (int)lambda(serving::relay(reader, arguments[0]));
}
