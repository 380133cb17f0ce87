// The oracle: a program that says what its own runtime calls its instructions.
//
//	oracle stack LOWEST           the program counters of a stack, and the frames of each
//	oracle counters LOWEST <LIST  the innermost frame of each address in the list
//
// LOWEST is the lowest address in the program's file. All addresses are in its terms, without 0x.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// base is what the addresses of the file are moved by.
func base() uintptr {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		panic(err)
	}
	first, err := strconv.ParseUint(firstOf(string(maps)), 16, 64)
	if err != nil {
		panic(err)
	}
	lowest, err := strconv.ParseUint(os.Args[2], 16, 64)
	if err != nil {
		panic(err)
	}
	return uintptr(first - lowest)
}

// firstOf is where the program's file is mapped.
func firstOf(maps string) string {
	for _, line := range strings.Split(maps, "\n") {
		if strings.Contains(line, "/oracle") {
			return strings.SplitN(line, "-", 2)[0]
		}
	}
	panic("not mapped")
}

func printFrame(frame runtime.Frame) {
	fmt.Printf("%s\t%s\t%d\n", frame.Function, frame.File, frame.Line)
}

// The shapes that a call site can have: a value with a method, called through a pointer that an
// interface holds (so that the compiler makes a wrapper), a generic function, closures, and
// functions that are inlined into one another.

type source interface{ read(depth int) int }

type inner struct{ counters []uintptr }

type outer struct{ inner }

//go:noinline
func (it inner) read(depth int) int { return first(depth) }

func first(depth int) int { return second(depth) + 1 }

func second(depth int) int {
	return generic[int](depth, func(depth int) int { return third(depth) })
}

type box[T any] struct{ value T }

//go:noinline
func (it box[T]) apply(call func(T) int) int { return call(it.value) }

func generic[T any](value T, call func(T) int) int {
	return box[T]{value}.apply(call)
}

func third(depth int) int { return fourth(depth) }

func fourth(depth int) int {
	if depth == 0 {
		return collect()
	}
	return recurse(depth - 1)
}

//go:noinline
func recurse(depth int) int { return first(depth) }

var counters [256]uintptr

//go:noinline
func collect() int { return runtime.Callers(1, counters[:]) }

func stack() {
	var from source = &outer{}
	count := 0
	done := make(chan bool)
	go func() {
		defer func() { done <- true }()
		io.Copy(io.Discard, wrapped{func() { count = from.read(3) }})
		// Not a tail call.
		runtime.KeepAlive(from)
	}()
	<-done
	_ = count
	frames := runtime.CallersFrames(filled())
	moved := base()
	for _, counter := range filled() {
		fmt.Printf("%x\n", counter-1-moved)
	}
	fmt.Println()
	for {
		frame, more := frames.Next()
		printFrame(frame)
		if !more {
			return
		}
	}
}

func filled() []uintptr {
	for index, counter := range counters {
		if counter == 0 {
			return counters[:index]
		}
	}
	return counters[:]
}

type wrapped struct{ call func() }

func (it wrapped) Read([]byte) (int, error) {
	it.call()
	return 0, io.EOF
}

func each() {
	moved := base()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		address, err := strconv.ParseUint(lines.Text(), 16, 64)
		if err != nil {
			panic(err)
		}
		frames := runtime.CallersFrames([]uintptr{uintptr(address) + moved + 1})
		frame, _ := frames.Next()
		printFrame(frame)
	}
}

func main() {
	switch os.Args[1] {
	case "stack":
		stack()
	case "counters":
		each()
	}
}
