package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is one HTTP server on one address.
type Server struct {
	listener net.Listener
	http     http.Server
	hub      *Hub
	serving  sync.WaitGroup
	once     sync.Once
	err      error
}

type rawKey struct{}

// Listen starts to serve handler on address; port 0 chooses a free one. Connections of hub are closed with the server.
func Listen(address string, handler http.Handler, hub *Hub) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("wire: listen: %w; choose another address or port 0", err)
	}
	s := &Server{listener: listener, hub: hub}
	s.http = http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, rawKey{}, c) }}
	s.serving.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.err = err
		}
	})
	return s, nil
}

// Address returns host and port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close stops to listen, closes all connections and waits for what serves them. It can be called more than once.
func (s *Server) Close() error {
	s.once.Do(func() {
		err := s.http.Close()
		s.hub.close()
		s.serving.Wait()
		s.err = errors.Join(s.err, err)
	})
	return s.err
}

// Abort closes the TCP connection of a request without an answer.
func Abort(r *http.Request) {
	if raw, ok := r.Context().Value(rawKey{}).(net.Conn); ok {
		_ = raw.Close() // the client sees the connection gone, which is all that is wanted
	}
	panic(http.ErrAbortHandler) // the documented way to end a handler without a reply
}

// RemoteIP returns the address of a request's client without its port.
func RemoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
