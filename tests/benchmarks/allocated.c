/* malloc and its kin, counted: how many bytes are held, and the most since `counted_from_here`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static atomic_llong held, most;
static void *(*real_malloc)(size_t), *(*real_calloc)(size_t, size_t), *(*real_realloc)(void *, size_t);
static void *(*real_memalign)(size_t, size_t);
static void (*real_free)(void *);

/* dlsym itself asks for memory before the functions are found: it gets some of this, for good. */
static _Alignas(16) char early[1 << 16];
static size_t used;

static void *from_early(size_t n) {
    void *p = early + used;
    used += (n + 15) & ~(size_t)15;
    return used <= sizeof early ? p : NULL;
}

static int is_early(void *p) { return (char *)p >= early && (char *)p < early + sizeof early; }

__attribute__((constructor)) static void find(void) {
    if (real_free) return;
    void *(*m)(size_t) = dlsym(RTLD_NEXT, "malloc");
    real_calloc = dlsym(RTLD_NEXT, "calloc");
    real_realloc = dlsym(RTLD_NEXT, "realloc");
    real_memalign = dlsym(RTLD_NEXT, "memalign");
    real_free = dlsym(RTLD_NEXT, "free");
    real_malloc = m;
}

static void *more(void *p) {
    if (p) {
        long long now = atomic_fetch_add(&held, (long long)malloc_usable_size(p)) + (long long)malloc_usable_size(p);
        long long seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) {
        }
    }
    return p;
}

static void less(void *p) {
    if (p) atomic_fetch_sub(&held, (long long)malloc_usable_size(p));
}

void *malloc(size_t n) { return real_malloc ? more(real_malloc(n)) : from_early(n); }

void *calloc(size_t n, size_t m) { return real_calloc ? more(real_calloc(n, m)) : from_early(n * m); }

void *realloc(void *p, size_t n) {
    if (is_early(p)) {
        void *q = malloc(n);
        size_t rest = (size_t)(early + sizeof early - (char *)p);
        return q ? memcpy(q, p, n < rest ? n : rest) : NULL;
    }
    if (!real_realloc) return malloc(n);
    long long before = p ? (long long)malloc_usable_size(p) : 0;
    void *q = real_realloc(p, n);
    if (q || !n) atomic_fetch_sub(&held, before);
    return more(q);
}

void free(void *p) {
    if (!p || is_early(p)) return;
    less(p);
    real_free(p);
}

void *memalign(size_t a, size_t n) { return more(real_memalign(a, n)); }

void *aligned_alloc(size_t a, size_t n) { return memalign(a, n); }

int posix_memalign(void **p, size_t a, size_t n) {
    *p = memalign(a, n);
    return *p ? 0 : ENOMEM;
}

long long counted_from_here(void) {
    long long now = atomic_load(&held);
    atomic_store(&most, now);
    return now;
}

long long most_counted(void) { return atomic_load(&most); }
