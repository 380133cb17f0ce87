package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
)

// What answers requests, by mode.
var handlers = map[string]func(string) http.Handler{
	"files":            files,
	"files-wrapped":    func(path string) http.Handler { return countingWriters(files(path)) },
	"files-unwrapping": func(path string) http.Handler { return readerFromWriters(files(path)) },
	"tls":              files,
	"chunked":          func(path string) http.Handler { return copied(path, false, limited) },
	"length":           func(path string) http.Handler { return copied(path, true, limited) },
	"copied":           func(path string) http.Handler { return copied(path, true, whole) },
	"proxy":            proxy,
}

func files(path string) http.Handler {
	return http.FileServer(http.Dir(filepath.Dir(path)))
}

// responseWriter is what gin and many others put around a ResponseWriter: it has no ReadFrom.
type responseWriter struct {
	http.ResponseWriter
	size int
}

func (w *responseWriter) Write(data []byte) (int, error) {
	n, err := w.ResponseWriter.Write(data)
	w.size += n
	return n, err
}

func countingWriters(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&responseWriter{ResponseWriter: w}, r)
	})
}

// readerFromWriter is the same with the method that keeps the fast path.
type readerFromWriter struct {
	responseWriter
}

func (w *readerFromWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, r)
	w.size += int(n)
	return n, err
}

func readerFromWriters(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&readerFromWriter{responseWriter{ResponseWriter: w}}, r)
	})
}

func whole(file *os.File, _ int64) io.Reader { return file }

func limited(file *os.File, size int64) io.Reader { return io.LimitReader(file, size) }

// copied answers with a file by io.Copy, with or without its length.
func copied(path string, length bool, reader func(*os.File, int64) io.Reader) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(path)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		if length {
			w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
		}
		if _, err := io.Copy(w, reader(file, info.Size())); err != nil {
			log.Print(err)
		}
	})
}

func proxy(address string) http.Handler {
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
}
