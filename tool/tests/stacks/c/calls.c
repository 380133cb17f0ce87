// Calls functions in the ways in which stacks differ, and stops in the innermost one.
//
// It prints what glibc finds to be the return addresses, on one line, each as the offset in what it lies
// in, and waits in a system call of that function until it is killed.

#define _GNU_SOURCE
#include <dlfcn.h>
#ifndef SILENT
#include <execinfo.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH = 200 };

static volatile int sink;

static __attribute__((noinline)) void stop(void)
{
#ifndef SILENT // musl has no backtrace().
    void *addresses[2 * DEPTH];
    int count = backtrace(addresses, 2 * DEPTH);
    for (int place = 0; place < count; place++) {
        Dl_info info;
        if (dladdr(addresses[place], &info))
            printf("%#lx ", (long)((char *)addresses[place] - (char *)info.dli_fbase));
        else
            printf("unknown ");
    }
#endif
    printf("\n");
    fflush(stdout);
    do
        pause();
    while (!sink);
}

static __attribute__((noinline)) int recurse(int left)
{
    if (left == 0)
        stop();
    else
        sink += recurse(left - 1);
    return sink;
}

// More stack than is copied.
static __attribute__((noinline)) int recurse_widely(int left)
{
    volatile char room[1024];
    room[left] = 1;
    if (left == 0)
        stop();
    else
        sink += recurse_widely(left - 1);
    return sink + room[left];
}

static void on_signal(int number)
{
    stop();
    sink += number;
}

static void handle(int flags)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sink++;
}

static __attribute__((noinline)) void signal_handler(void)
{
    handle(0);
    sink++;
}

static __attribute__((noinline)) void other_stack(void)
{
    stack_t stack = {.ss_sp = malloc(1 << 20), .ss_size = 1 << 20};
    sigaltstack(&stack, NULL);
    handle(SA_ONSTACK);
    sink++;
}

// A frame whose size is not known, at a multiple of 64: its rule is an expression.
static __attribute__((noinline)) void aligned(void)
{
    char room[sink + 100] __attribute__((aligned(64)));
    memset(room, 1, sizeof room);
    __attribute__((aligned(64))) volatile char more[64] = {0};
    stop();
    sink += room[sink] + more[1];
}

static __attribute__((noinline)) void *thread(void *argument)
{
    stop();
    sink++;
    return argument;
}

static __attribute__((noinline)) void in_thread(void)
{
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
    pthread_join(id, NULL);
}

static int compare(const void *left, const void *right)
{
    stop();
    return *(const int *)left - *(const int *)right;
}

static __attribute__((noinline)) void callback(void)
{
    int numbers[] = {2, 1};
    qsort(numbers, 2, sizeof *numbers, compare);
    sink += numbers[0];
}

// Through code that is written at run time, and calls its argument.
static __attribute__((noinline)) void compiled(const void *code, size_t length)
{
    int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
    void *memory = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(memory, code, length);
    ((void (*)(void (*)(void)))memory)(stop);
    sink++;
}

// sub $8, %rsp; call *%rdi; add $8, %rsp; ret: as Python's -X perf does.
static const char without_frame_pointer[] = "\x48\x83\xec\x08\xff\xd7\x48\x83\xc4\x08\xc3";

// push %rbp; mov %rsp, %rbp; call *%rdi; jmp *%rax: the frame pointer is all that tells.
static const char with_frame_pointer[] = "\x55\x48\x89\xe5\xff\xd7\xff\xe0";

// Forever in the vdso.
static __attribute__((noinline)) void clocks(void)
{
    printf("\n");
    fflush(stdout);
    for (;;) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        sink += now.tv_nsec;
    }
}

// To be carried out step by step from when a file exists on, with the dynamic linker's first look for each
// function.
static __attribute__((noinline)) void steps(const char *file)
{
    printf("\n");
    fflush(stdout);
    while (access(file, F_OK)) {
    }
    for (;;) {
        char text[32] = "7654321";
        sink += atoi(text) + strlen(strchr(text, '4')) + labs(strtol(text, NULL, 10));
        qsort(text, 7, 1, (int (*)(const void *, const void *))strcmp);
        raise(0);
        sink += getpid();
    }
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "recursion"))
        recurse(DEPTH);
    else if (!strcmp(what, "deep_recursion"))
        recurse(2 * DEPTH);
    else if (!strcmp(what, "wide_recursion"))
        recurse_widely(DEPTH);
    else if (!strcmp(what, "signal"))
        signal_handler();
    else if (!strcmp(what, "other_stack"))
        other_stack();
    else if (!strcmp(what, "aligned"))
        aligned();
    else if (!strcmp(what, "thread"))
        in_thread();
    else if (!strcmp(what, "callback"))
        callback();
    else if (!strcmp(what, "compiled"))
        compiled(without_frame_pointer, sizeof without_frame_pointer);
    else if (!strcmp(what, "compiled_with_frame_pointer"))
        compiled(with_frame_pointer, sizeof with_frame_pointer);
    else if (!strcmp(what, "vdso"))
        clocks();
    else if (!strcmp(what, "steps") && count > 2)
        steps(arguments[2]);
    else
        return 2;
    return sink == 0;
}
