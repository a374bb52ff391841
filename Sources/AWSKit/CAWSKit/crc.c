#include "CAWSKit.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAS_X86 1
#endif

// Reflected polynomials: CRC-32 (ISO-HDLC), CRC-32C (Castagnoli), CRC-64/NVME.
#define POLY32 0xEDB88320ull
#define POLY32C 0x82F63B78ull
#define POLY64 0x9A6C9329AC4BC9B5ull

// What moves a polynomial of 128 bits on by so many bits: powers of x, for its low and its high half in memory.
typedef struct {
  uint64_t low, high;
} shift;

// A register of 64 bits serves both widths: one of 32 stands in its low half.
typedef struct {
  // Eight bytes are taken a step.
  uint64_t table[8][256];
  shift by128, by256, by512, by1024;
} crc;

static crc crc32, crc32c, crc64;
static pthread_once_t made = PTHREAD_ONCE_INIT;

// x to the n-th modulo a polynomial; bit 63 is x to the 0th, and both stand at the top.
static uint64_t power(unsigned n, uint64_t poly, unsigned width) {
  const uint64_t last = 1ull << (64 - width);
  uint64_t value = 1ull << 63;
  for (; n > 0; n--) value = value & last ? ((value ^ last) >> 1) ^ poly << (64 - width) : value >> 1;
  return value;
}

// The product of two reflected halves has one bit more than fits: hence one power less.
static shift shift_by(unsigned bits, uint64_t poly, unsigned width) {
  return (shift){power(bits + 63, poly, width), power(bits - 1, poly, width)};
}

static void make(crc *crc, uint64_t poly, unsigned width) {
  for (uint64_t i = 0; i < 256; i++) {
    uint64_t value = i;
    for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (poly & (0ull - (value & 1)));
    crc->table[0][i] = value;
  }
  for (int i = 0; i < 256; i++) {
    for (int k = 1; k < 8; k++) {
      const uint64_t before = crc->table[k - 1][i];
      crc->table[k][i] = (before >> 8) ^ crc->table[0][before & 255];
    }
  }
  crc->by128 = shift_by(128, poly, width);
  crc->by256 = shift_by(256, poly, width);
  crc->by512 = shift_by(512, poly, width);
  crc->by1024 = shift_by(1024, poly, width);
}

static void make_all(void) {
  make(&crc32, POLY32, 32);
  make(&crc32c, POLY32C, 32);
  make(&crc64, POLY64, 64);
}

static uint64_t run_table(const crc *crc, uint64_t value, const uint8_t *bytes, size_t count) {
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= value;
    value = crc->table[7][word & 255] ^ crc->table[6][(word >> 8) & 255] ^ crc->table[5][(word >> 16) & 255] ^
            crc->table[4][(word >> 24) & 255] ^ crc->table[3][(word >> 32) & 255] ^
            crc->table[2][(word >> 40) & 255] ^ crc->table[1][(word >> 48) & 255] ^ crc->table[0][word >> 56];
    bytes += 8;
    count -= 8;
  }
  while (count-- > 0) value = (value >> 8) ^ crc->table[0][(value ^ *bytes++) & 255];
  return value;
}

#if HAS_X86
// Carry-less multiplication folds many bytes to sixteen that have the same remainder, after Intel's "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ Instruction". The table does those sixteen.

#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define SHIFT(s) _mm_set_epi64x((long long)(s).high, (long long)(s).low)
#define FOLD(x, s, next) \
  _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, s, 0x00), _mm_clmulepi64_si128(x, s, 0x11)), next)

// `count` is at least 64 and a multiple of 64.
__attribute__((target("pclmul,sse4.1"))) static uint64_t fold128(
    const crc *crc, uint64_t value, const uint8_t *bytes, size_t count) {
  const __m128i far = SHIFT(crc->by512), near = SHIFT(crc->by128);
  __m128i x0 = _mm_xor_si128(LOAD(bytes), _mm_cvtsi64_si128((long long)value));
  __m128i x1 = LOAD(bytes + 16), x2 = LOAD(bytes + 32), x3 = LOAD(bytes + 48);
  for (size_t at = 64; at < count; at += 64) {
    x0 = FOLD(x0, far, LOAD(bytes + at));
    x1 = FOLD(x1, far, LOAD(bytes + at + 16));
    x2 = FOLD(x2, far, LOAD(bytes + at + 32));
    x3 = FOLD(x3, far, LOAD(bytes + at + 48));
  }
  x1 = FOLD(x0, near, x1);
  x2 = FOLD(x1, near, x2);
  x3 = FOLD(x2, near, x3);
  uint8_t folded[16];
  _mm_storeu_si128((__m128i *)folded, x3);
  return run_table(crc, 0, folded, sizeof folded);
}

#define LOAD2(p) _mm256_loadu_si256((const __m256i *)(p))
#define FOLD2(x, s, next) \
  _mm256_xor_si256(_mm256_xor_si256(_mm256_clmulepi64_epi128(x, s, 0x00), _mm256_clmulepi64_epi128(x, s, 0x11)), next)

// The same, two at a time. `count` is at least 128 and a multiple of 128.
__attribute__((target("avx2,pclmul,vpclmulqdq"))) static uint64_t fold256(
    const crc *crc, uint64_t value, const uint8_t *bytes, size_t count) {
  const __m256i far = _mm256_broadcastsi128_si256(SHIFT(crc->by1024));
  const __m256i near = _mm256_broadcastsi128_si256(SHIFT(crc->by256));
  __m256i x0 = _mm256_xor_si256(LOAD2(bytes), _mm256_set_epi64x(0, 0, 0, (long long)value));
  __m256i x1 = LOAD2(bytes + 32), x2 = LOAD2(bytes + 64), x3 = LOAD2(bytes + 96);
  for (size_t at = 128; at < count; at += 128) {
    x0 = FOLD2(x0, far, LOAD2(bytes + at));
    x1 = FOLD2(x1, far, LOAD2(bytes + at + 32));
    x2 = FOLD2(x2, far, LOAD2(bytes + at + 64));
    x3 = FOLD2(x3, far, LOAD2(bytes + at + 96));
  }
  x1 = FOLD2(x0, near, x1);
  x2 = FOLD2(x1, near, x2);
  x3 = FOLD2(x2, near, x3);
  const __m128i first = _mm256_castsi256_si128(x3), second = _mm256_extracti128_si256(x3, 1);
  uint8_t folded[16];
  _mm_storeu_si128((__m128i *)folded, FOLD(first, SHIFT(crc->by128), second));
  return run_table(crc, 0, folded, sizeof folded);
}
#endif

// Takes the inverted register, gives the inverted register.
static uint64_t run(const crc *crc, uint64_t value, const uint8_t *bytes, size_t count) {
#if HAS_X86
  size_t folded = 0;
  if (count >= 128 && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx2")) {
    folded = count & ~(size_t)127;
    value = fold256(crc, value, bytes, folded);
  } else if (count >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
    folded = count & ~(size_t)63;
    value = fold128(crc, value, bytes, folded);
  }
  bytes += folded;
  count -= folded;
#endif
  return run_table(crc, value, bytes, count);
}

uint32_t cawskit_crc32(uint32_t value, const uint8_t *bytes, size_t count) {
  pthread_once(&made, make_all);
  return ~(uint32_t)run(&crc32, (uint32_t)~value, bytes, count);
}

uint32_t cawskit_crc32c(uint32_t value, const uint8_t *bytes, size_t count) {
  pthread_once(&made, make_all);
  return ~(uint32_t)run(&crc32c, (uint32_t)~value, bytes, count);
}

uint64_t cawskit_crc64nvme(uint64_t value, const uint8_t *bytes, size_t count) {
  pthread_once(&made, make_all);
  return ~run(&crc64, ~value, bytes, count);
}
