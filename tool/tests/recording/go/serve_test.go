package fileserver

import (
	"io"
	"net"
	"os"
	"testing"
)

const (
	size  = 16 << 20
	times = 8
)

// justReader is what a counting wrapper looks like to io.Copy.
type justReader struct {
	inner io.Reader
	count int
}

func (r *justReader) Read(p []byte) (int, error) {
	n, err := r.inner.Read(p)
	r.count += n
	return n, err
}

// serve sends a file to each of the clients that connect.
func serve(listener net.Listener, path string) error {
	for range make([]struct{}, times) {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		var reader io.Reader = file
		if os.Getenv("WRAPPED") != "" {
			reader = &justReader{inner: file}
		}
		if _, err := io.Copy(conn, reader); err != nil {
			return err
		}
		file.Close()
		conn.Close()
	}
	return nil
}

func TestServe(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "content")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- serve(listener, file.Name()) }()
	for range make([]struct{}, times) {
		conn, err := net.Dial("tcp4", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.Copy(io.Discard, conn)
		if err != nil || got != size {
			t.Fatal(got, err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
