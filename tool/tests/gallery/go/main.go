// A server that moves a file, or what another server sends, in one of the ways that Go programs take.
//
//	gallery MODE FILE|ADDRESS
//
// Prints the port that it listens on.
package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	mode, subject := os.Args[1], os.Args[2]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if serve, ok := connections[mode]; ok {
		log.Fatal(accept(listener, serve, subject))
	}
	handler, ok := handlers[mode]
	if !ok {
		log.Fatalf("no mode %q", mode)
	}
	if mode == "tls" {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate()}})
	}
	log.Fatal(http.Serve(listener, handler(subject)))
}

// accept serves one connection after the other.
func accept(listener net.Listener, serve func(*net.TCPConn, string) error, subject string) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := serve(conn.(*net.TCPConn), subject); err != nil {
			log.Print(err)
		}
		conn.Close()
	}
}
