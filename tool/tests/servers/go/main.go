// Command testserver sends a file to every client that connects, by io.Copy from a reader of the
// shape that its first argument names.
//
// It prints its port on standard output, then serves until it is killed.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

// justReader is what a metrics, rate-limiting or logging wrapper looks like to io.Copy: the file
// behind it cannot be seen any more.
type justReader struct {
	inner io.Reader
}

func (r justReader) Read(p []byte) (int, error) {
	return r.inner.Read(p)
}

// shape wraps a file of a size.
type shape func(file *os.File, size int64) io.Reader

var shapes = map[string]shape{
	"plain":   func(file *os.File, _ int64) io.Reader { return file },
	"limited": func(file *os.File, size int64) io.Reader { return &io.LimitedReader{R: file, N: size} },
	"wrapped": func(file *os.File, _ int64) io.Reader { return justReader{inner: file} },
	"section": func(file *os.File, size int64) io.Reader { return io.NewSectionReader(file, 0, size) },
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: testserver SHAPE FILE")
	}
	wrap, known := shapes[args[0]]
	if !known {
		return fmt.Errorf("no such shape: %s", args[0])
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := serve(conn, args[1], wrap); err != nil {
			return err
		}
	}
}

// serve sends the whole file and closes the connection.
func serve(conn net.Conn, path string, wrap shape) error {
	defer conn.Close()
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	sent, err := io.Copy(conn, wrap(file, info.Size()))
	if err == nil && sent != info.Size() {
		err = fmt.Errorf("sent %d of %d bytes", sent, info.Size())
	}
	return err
}
