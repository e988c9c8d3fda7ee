// What the CUDA C of our kernels needs around it: CuPy's arrays and loop, and, under a C++ compiler without
// CUDA, a device of one thread at a time.  The threads of a block are fibers, which change at __syncthreads.
#ifdef __CUDACC__
typedef decltype((char*)0 - (char*)0) ptrdiff_t;
#define RUN
#else
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <ucontext.h>
using namespace std;
#define __device__
#define __global__
#define __shared__ static
#define __restrict__
struct Place { unsigned x, y, z; };
static Place threadIdx, blockIdx, blockDim, gridDim;
template <typename T, typename V> T atomicAdd(T* at, V value) { T old = *at; *at += (T)value; return old; }

static const int MOST = 256, STACK = 65536;
static ucontext_t host, fibers[MOST];
static char* stacks = nullptr;
static bool ended[MOST];
static unsigned current;
static void (*job)();
static void __syncthreads() { swapcontext(&fibers[current], &host); }
static double slots[MOST];
static double shuffled(double value, unsigned from) {  // all threads of a warp are here, but for those that ended
    const unsigned own = threadIdx.x;
    slots[own] = value;
    __syncthreads();
    const double out = from < blockDim.x && from / 32 == own / 32 ? slots[from] : value;
    __syncthreads();
    return out;
}
static double __shfl_down_sync(unsigned, double value, unsigned n) { return shuffled(value, threadIdx.x + n); }
static double __shfl_xor_sync(unsigned, double value, unsigned n) { return shuffled(value, threadIdx.x ^ n); }
static int min(int a, int b) { return a < b ? a : b; }
static void fiber() { job(); ended[current] = true; }

// every block after the other; the threads of a block take turns from one __syncthreads to the next
static void run(void (*kernel)(), unsigned grid, unsigned block, bool together, bool backward) {
    gridDim.x = grid;
    blockDim.x = block;
    for (unsigned b = 0; b < grid; ++b) {
        blockIdx.x = backward ? grid - 1 - b : b;
        if (!together) {
            for (unsigned t = 0; t < block; ++t) {
                threadIdx.x = backward ? block - 1 - t : t;
                kernel();
            }
            continue;
        }
        if (!stacks) stacks = (char*)malloc((size_t)MOST * STACK);
        job = kernel;
        for (unsigned t = 0; t < block; ++t) {
            ended[t] = false;
            getcontext(&fibers[t]);
            fibers[t].uc_stack.ss_sp = stacks + (size_t)t * STACK;
            fibers[t].uc_stack.ss_size = STACK;
            fibers[t].uc_link = &host;
            makecontext(&fibers[t], fiber, 0);
        }
        for (bool some = true; some;) {
            some = false;
            for (current = 0; current < block; ++current) {
                if (ended[current]) continue;
                threadIdx.x = current;
                swapcontext(&host, &fibers[current]);
                some = some || !ended[current];
            }
        }
    }
}
#endif

struct Memory { void* data; ptrdiff_t ndim, shape[8], strides[8]; };

template <typename T> struct CArray {
    Memory m;
    __device__ ptrdiff_t size() const {
        ptrdiff_t n = 1;
        for (int k = 0; k < m.ndim; ++k) n *= m.shape[k];
        return n;
    }
    __device__ const ptrdiff_t* shape() const { return m.shape; }
    __device__ const ptrdiff_t* strides() const { return m.strides; }
    __device__ T& at(const ptrdiff_t* index) const {
        char* p = (char*)m.data;
        for (int k = 0; k < m.ndim; ++k) p += index[k] * m.strides[k];
        return *(T*)p;
    }
    __device__ T& operator[](const ptrdiff_t* index) const { return at(index); }
    template <typename Int> __device__ T& operator[](Int at) const {  // by the place in C order
        ptrdiff_t i = at;
        char* p = (char*)m.data;
        for (int k = (int)m.ndim - 1; k > 0; --k) { p += i % m.shape[k] * m.strides[k]; i /= m.shape[k]; }
        return *(T*)(m.ndim ? p + i * m.strides[0] : p);
    }
};

struct CIndexer {
    ptrdiff_t n, ndim, shape[8], index[8];
    __device__ ptrdiff_t size() const { return n; }
    __device__ void set(ptrdiff_t i) {
        for (int k = (int)ndim - 1; k >= 0; --k) { index[k] = i % shape[k]; i /= shape[k]; }
    }
    __device__ const ptrdiff_t* get() const { return index; }
};

#define CUPY_FOR(i, n) \
    for (ptrdiff_t i = (ptrdiff_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (ptrdiff_t)blockDim.x * gridDim.x)
