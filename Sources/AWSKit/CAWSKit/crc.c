#include "CAWSKit.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAS_X86 1
#endif

// Reflected polynomials: CRC-32 (ISO-HDLC), CRC-32C (Castagnoli), CRC-64/NVME.
#define POLY32 0xEDB88320u
#define POLY32C 0x82F63B78u
#define POLY64 0x9A6C9329AC4BC9B5ull

// Eight tables each: eight bytes are taken a step.
static uint32_t table32[8][256];
static uint32_t table32c[8][256];
static uint64_t table64[8][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_table32(uint32_t table[8][256], uint32_t poly) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (poly & (0u - (crc & 1)));
    table[0][i] = crc;
  }
  for (int i = 0; i < 256; i++)
    for (int k = 1; k < 8; k++) table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 255];
}

static void make_tables(void) {
  make_table32(table32, POLY32);
  make_table32(table32c, POLY32C);
  for (uint64_t i = 0; i < 256; i++) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (POLY64 & (0ull - (crc & 1)));
    table64[0][i] = crc;
  }
  for (int i = 0; i < 256; i++)
    for (int k = 1; k < 8; k++) table64[k][i] = (table64[k - 1][i] >> 8) ^ table64[0][table64[k - 1][i] & 255];
}

// Takes the inverted register, gives the inverted register.
static uint32_t run32(uint32_t table[8][256], uint32_t crc, const uint8_t *bytes, size_t count) {
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= crc;
    crc = table[7][word & 255] ^ table[6][(word >> 8) & 255] ^ table[5][(word >> 16) & 255] ^
          table[4][(word >> 24) & 255] ^ table[3][(word >> 32) & 255] ^ table[2][(word >> 40) & 255] ^
          table[1][(word >> 48) & 255] ^ table[0][word >> 56];
    bytes += 8;
    count -= 8;
  }
  while (count-- > 0) crc = (crc >> 8) ^ table[0][(crc ^ *bytes++) & 255];
  return crc;
}

#if HAS_X86
// Folds 64 bytes a step by carry-less multiplication, after Intel's "Fast CRC Computation for Generic Polynomials
// Using PCLMULQDQ Instruction"; the constants are powers of x modulo the polynomial. `count` is at least 64 and a
// multiple of 16.
__attribute__((target("pclmul,sse4.1"))) static uint32_t fold32(uint32_t crc, const uint8_t *bytes, size_t count) {
  const __m128i k1k2 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i k3k4 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i k5 = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i poly = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low32 = _mm_setr_epi32(~0, 0, ~0, 0);
#define LOAD(p) _mm_loadu_si128((const __m128i *)(p))
#define FOLD(x, k, next) \
  _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11)), next)
  __m128i x1 = _mm_xor_si128(LOAD(bytes), _mm_cvtsi32_si128((int)crc));
  __m128i x2 = LOAD(bytes + 16), x3 = LOAD(bytes + 32), x4 = LOAD(bytes + 48);
  bytes += 64;
  count -= 64;
  while (count >= 64) {
    x1 = FOLD(x1, k1k2, LOAD(bytes));
    x2 = FOLD(x2, k1k2, LOAD(bytes + 16));
    x3 = FOLD(x3, k1k2, LOAD(bytes + 32));
    x4 = FOLD(x4, k1k2, LOAD(bytes + 48));
    bytes += 64;
    count -= 64;
  }
  x1 = FOLD(x1, k3k4, x2);
  x1 = FOLD(x1, k3k4, x3);
  x1 = FOLD(x1, k3k4, x4);
  while (count >= 16) {
    x1 = FOLD(x1, k3k4, LOAD(bytes));
    bytes += 16;
    count -= 16;
  }
  // 128 bits to 64, then Barrett's reduction to 32.
  x2 = _mm_clmulepi64_si128(x1, k3k4, 0x10);
  x1 = _mm_xor_si128(_mm_srli_si128(x1, 8), x2);
  x2 = _mm_srli_si128(x1, 4);
  x1 = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(x1, low32), k5, 0x00), x2);
  x2 = _mm_clmulepi64_si128(_mm_and_si128(x1, low32), poly, 0x10);
  x2 = _mm_clmulepi64_si128(_mm_and_si128(x2, low32), poly, 0x00);
  return (uint32_t)_mm_extract_epi32(_mm_xor_si128(x1, x2), 1);
#undef FOLD
#undef LOAD
}

__attribute__((target("sse4.2"))) static uint32_t hardware32c(uint32_t crc, const uint8_t *bytes, size_t count) {
  uint64_t wide = crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = _mm_crc32_u64(wide, word);
    bytes += 8;
    count -= 8;
  }
  crc = (uint32_t)wide;
  while (count-- > 0) crc = _mm_crc32_u8(crc, *bytes++);
  return crc;
}
#endif

uint32_t cawskit_crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
  pthread_once(&made, make_tables);
  crc = ~crc;
#if HAS_X86
  if (count >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
    size_t whole = count & ~(size_t)15;
    crc = fold32(crc, bytes, whole);
    bytes += whole;
    count -= whole;
  }
#endif
  return ~run32(table32, crc, bytes, count);
}

uint32_t cawskit_crc32c(uint32_t crc, const uint8_t *bytes, size_t count) {
  pthread_once(&made, make_tables);
#if HAS_X86
  if (__builtin_cpu_supports("sse4.2")) return ~hardware32c(~crc, bytes, count);
#endif
  return ~run32(table32c, ~crc, bytes, count);
}

uint64_t cawskit_crc64nvme(uint64_t crc, const uint8_t *bytes, size_t count) {
  pthread_once(&made, make_tables);
  crc = ~crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= crc;
    crc = table64[7][word & 255] ^ table64[6][(word >> 8) & 255] ^ table64[5][(word >> 16) & 255] ^
          table64[4][(word >> 24) & 255] ^ table64[3][(word >> 32) & 255] ^ table64[2][(word >> 40) & 255] ^
          table64[1][(word >> 48) & 255] ^ table64[0][word >> 56];
    bytes += 8;
    count -= 8;
  }
  while (count-- > 0) crc = (crc >> 8) ^ table64[0][(crc ^ *bytes++) & 255];
  return ~crc;
}
