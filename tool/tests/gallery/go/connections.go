package main

import (
	"io"
	"net"
	"os"
	"os/exec"
)

// What is done with a connection, by mode.
var connections = map[string]func(*net.TCPConn, string) error{
	"plain":           send(plainFile),
	"limited":         send(func(f *os.File) io.Reader { return io.LimitReader(f, 1<<40) }),
	"wrapped":         send(wrappedFile),
	"section":         send(func(f *os.File) io.Reader { return io.NewSectionReader(f, 0, 1<<40) }),
	"loop":            sendInPieces,
	"exec":            pipeOfChild,
	"relay":           relay(plain, plain),
	"relay-hidden":    relay(hidden, plain),
	"relay-to-hidden": relay(plain, hidden),
	"copy":            copyFile(os.O_CREATE|os.O_WRONLY|os.O_TRUNC, plainFile),
	"copy-append":     copyFile(os.O_CREATE|os.O_WRONLY|os.O_APPEND, plainFile),
	"copy-wrapped":    copyFile(os.O_CREATE|os.O_WRONLY|os.O_TRUNC, wrappedFile),
	"pipe":            fillPipe,
}

// progressReader counts what is read, and hides the file.
type progressReader struct {
	reader io.Reader
	count  int64
}

func (p *progressReader) Read(buffer []byte) (int, error) {
	n, err := p.reader.Read(buffer)
	p.count += int64(n)
	return n, err
}

// idleConn counts what is read, and hides the connection.
type idleConn struct {
	net.Conn
	count int64
}

func (c *idleConn) Read(buffer []byte) (int, error) {
	n, err := c.Conn.Read(buffer)
	c.count += int64(n)
	return n, err
}

func (c *idleConn) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	c.count += int64(n)
	return n, err
}

func plain(c *net.TCPConn) net.Conn { return c }

func hidden(c *net.TCPConn) net.Conn { return &idleConn{Conn: c} }

func plainFile(f *os.File) io.Reader { return f }

func wrappedFile(f *os.File) io.Reader { return &progressReader{reader: f} }

// send sends a file as a reader.
func send(reader func(*os.File) io.Reader) func(*net.TCPConn, string) error {
	return func(conn *net.TCPConn, path string) error {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = io.Copy(conn, reader(file))
		return err
	}
}

// sendInPieces sends a file by a loop of its own.
func sendInPieces(conn *net.TCPConn, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	piece := make([]byte, 64<<10)
	for {
		filled, err := file.Read(piece)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(piece[:filled]); err != nil {
			return err
		}
	}
}

// relay sends what another server sends.
func relay(source, sink func(*net.TCPConn) net.Conn) func(*net.TCPConn, string) error {
	return func(conn *net.TCPConn, address string) error {
		upstream, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		defer upstream.Close()
		_, err = io.Copy(sink(conn), source(upstream.(*net.TCPConn)))
		return err
	}
}

// copyFile copies a file beside itself, and says so when it is done.
func copyFile(flags int, reader func(*os.File) io.Reader) func(*net.TCPConn, string) error {
	return func(conn *net.TCPConn, path string) error {
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		defer from.Close()
		to, err := os.CreateTemp("", "gallery")
		if err != nil {
			return err
		}
		defer os.Remove(to.Name())
		to.Close()
		if to, err = os.OpenFile(to.Name(), flags, 0); err != nil {
			return err
		}
		defer to.Close()
		if _, err = io.Copy(to, reader(from)); err != nil {
			return err
		}
		_, err = conn.Write([]byte("done"))
		return err
	}
}

// pipeOfChild sends what a child writes; os/exec does not know the connection.
func pipeOfChild(conn *net.TCPConn, path string) error {
	cat := exec.Command("cat", path)
	cat.Stdout = struct{ io.Writer }{conn}
	return cat.Run()
}

// fillPipe copies a file into a pipe that is read, and says so when it is done.
func fillPipe(conn *net.TCPConn, path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	go func() {
		io.Copy(writer, from)
		writer.Close()
	}()
	if _, err := io.Copy(io.Discard, reader); err != nil {
		return err
	}
	_, err = conn.Write([]byte("done"))
	return err
}
