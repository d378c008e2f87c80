package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/hftrunner/hftrunner/connector/protocol"
)

// open makes a connection and returns it when it is up.
func (k *Keeper) open(ctx context.Context) (*conn, error) {
	if err := k.config.Attempts.Wait(ctx); err != nil {
		return nil, fmt.Errorf("stream: giving up after repeated attempts: %w", err)
	}
	k.attempts.Add(1)
	prepareCtx, cancel := context.WithTimeout(ctx, k.config.OpenTimeout)
	s, err := k.config.Prepare(prepareCtx)
	cancel()
	if err != nil {
		return nil, fmt.Errorf("stream: prepare: %w", err)
	}
	if err := validate(&s); err != nil {
		return nil, err
	}
	c, err := k.dial(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := c.greet(ctx, k.config.OpenTimeout); err != nil {
		c.end(err, polite(ctx))
		<-c.done
		return nil, c.err // what happened first: that may have been the reader's
	}
	return c, nil
}

// dial connects. Each connection has its own transport, so that its TCP connection is known.
func (k *Keeper) dial(run context.Context, s protocol.Stream) (*conn, error) {
	ctx, cancel := context.WithTimeout(run, k.config.OpenTimeout)
	defer cancel()
	var mu sync.Mutex
	var w *wire
	dialer := &net.Dialer{}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			w = newWire(conn, k.config.WriteTimeout)
			return w, nil
		},
	}
	if k.config.TLS != nil {
		transport.TLSClientConfig = k.config.TLS.Clone()
	}
	defer transport.CloseIdleConnections()
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: k.config.Header,
		CompressionMode: websocket.CompressionContextTakeover, CompressionThreshold: math.MaxInt}
	if k.config.Uncompressed {
		options.CompressionMode = websocket.CompressionDisabled
	}
	socket, answer, err := websocket.Dial(ctx, s.URL, options)
	mu.Lock()
	defer mu.Unlock()
	if err == nil {
		return newConn(run, k, s, socket, w), nil
	}
	if w != nil {
		w.abort()
	}
	if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		var body []byte
		if answer.Body != nil {
			body, _ = io.ReadAll(answer.Body) // at most 1024 bytes, in memory; what is there is enough for a message
		}
		err = handshakeError(answer, body)
	}
	return nil, fmt.Errorf("stream %q: connect: %w", s.Name, err)
}

// greet sends the Hellos and waits for their answers. An error is why the connection is no use.
func (c *conn) greet(ctx context.Context, timeout time.Duration) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	for i, hello := range c.stream.Hello {
		if i > 0 && c.stream.HelloInterval > 0 {
			if err := c.await(ctx, time.After(c.stream.HelloInterval), nil, nil); err != nil {
				return err
			}
		}
		if err := c.write(hello); err != nil {
			return err
		}
		if c.stream.OneByOne {
			if err := c.await(ctx, nil, c.answered, late.C); err != nil {
				return err
			}
			late.Reset(timeout)
		}
	}
	late.Reset(timeout)
	return c.await(ctx, nil, c.up, late.C)
}

// await waits for a pause to be over or an answer, unless the connection or the context ends or it is too late.
func (c *conn) await(ctx context.Context, pause <-chan time.Time, answer <-chan struct{}, late <-chan time.Time) error {
	select {
	case <-pause:
		return nil
	case <-answer:
		return nil
	case <-c.ended:
		return c.err
	case <-ctx.Done():
		return errShutdown
	case <-late:
		return errors.New("no answer to the logon or subscription in time")
	}
}
