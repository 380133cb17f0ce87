//go:build cgo

// With C, the linker of C makes the program.

package main

import "C"
