package hostipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hftrunner/hftrunner/internal/ring"
	"github.com/hftrunner/hftrunner/ipc"
)

const (
	// attachPatience bounds how long a process may take for its request, and for its end of the answer.
	attachPatience = 5 * time.Second
	// maxAttachPeers bounds the processes at the socket at one time.
	maxAttachPeers = 64
)

// AttachPeer is the host's end of the socket of one process that attaches itself. It belongs to the function that
// ServeAttach called with it.
type AttachPeer struct {
	// Request is what it asks for, checked.
	Request *AttachRequest
	// PID is the process's id, from the system; 0 where it does not say.
	PID int

	conn *net.UnixConn
	gone chan struct{}
}

// ServeAttach answers processes that attach themselves until ctx ends; it closes the listener, waits for its calls and
// returns nil then. It calls serve for each valid request, each in a goroutine of its own, and disconnects the process
// when serve returns; serve has to return when ctx ends. At most 64 processes are served at one time. complain, if not
// nil, is told what was wrong with a connection that did not get that far.
//
// The listener is one for a unix socket. Nothing that a process sends can do more than end its own connection.
func ServeAttach(ctx context.Context, listener net.Listener, serve func(*AttachPeer), complain func(error)) error {
	var served sync.WaitGroup
	defer served.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()
	places := make(chan struct{}, maxAttachPeers)
	for {
		accepted, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = accepted.Close()
			}
			return nil
		case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED):
			tell(complain, err)
			select { // passes; others may close files meanwhile
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		case err != nil:
			return fmt.Errorf("accept at the attach socket: %w", err)
		}
		conn, ok := accepted.(*net.UnixConn)
		if !ok {
			return errors.Join(fmt.Errorf("the attach socket is a %T, not a unix socket", accepted), accepted.Close())
		}
		select {
		case places <- struct{}{}:
		default:
			refuse(conn, fmt.Errorf("%d processes are attached or about to: try again later", maxAttachPeers))
			_ = conn.Close()
			continue
		}
		served.Go(func() {
			defer func() { <-places }()
			defer func() { _ = conn.Close() }()
			peer, err := greet(ctx, conn)
			if err != nil {
				tell(complain, err)
				return
			}
			serve(peer)
		})
	}
}

func tell(complain func(error), err error) {
	if complain != nil {
		complain(err)
	}
}

// greet reads a process's request; what is wrong with it is also answered.
func greet(ctx context.Context, conn *net.UnixConn) (*AttachPeer, error) {
	hangUp := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer hangUp()
	p := &AttachPeer{PID: peerPID(conn), conn: conn, gone: make(chan struct{})}
	err := conn.SetDeadline(time.Now().Add(attachPatience))
	if err != nil {
		return nil, err
	}
	b, err := ring.ReadMessage(conn, nil)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("process %d at the attach socket has hung up without a request", p.PID)
	}
	if err == nil {
		p.Request, err = decodeAttachRequest(b)
	}
	if err != nil {
		refuse(conn, err)
		return nil, fmt.Errorf("process %d at the attach socket: %w", p.PID, err)
	}
	return p, nil
}

func refuse(conn *net.UnixConn, err error) {
	if b, err := ring.AppendMessage(nil, refusalOf(err)); err == nil {
		_ = conn.SetWriteDeadline(time.Now().Add(attachPatience))
		_, _ = conn.Write(b)
	}
}

// Refuse tells the process why it cannot attach. A *hft.BuildError in err reaches it as one.
func (p *AttachPeer) Refuse(err error) { refuse(p.conn, err) }

// Accept hands the process its memory. The descriptors of the attachment are the places of its files in files, which
// stay the caller's.
func (p *AttachPeer) Accept(files []*os.File, a ipc.Attachment) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	b, err := ring.AppendMessage(nil, answerOf(&a))
	if err != nil {
		return err
	}
	if err := p.conn.SetDeadline(time.Now().Add(attachPatience)); err != nil {
		return fmt.Errorf("answer process %d: %w", p.PID, err)
	}
	n, _, err := p.conn.WriteMsgUnix(b, syscall.UnixRights(fds...), nil)
	if err == nil && n < len(b) {
		_, err = p.conn.Write(b[n:])
	}
	if err == nil {
		err = p.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		return fmt.Errorf("answer process %d: %w", p.PID, err)
	}
	go func() {
		defer close(p.gone)
		_, _ = p.conn.Read(make([]byte, 1)) // there is nothing to say any more: bytes end it like the end does
	}()
	return nil
}

// Gone is closed when the process has closed its channel or has ended, once it has been accepted.
func (p *AttachPeer) Gone() <-chan struct{} { return p.gone }

// Disconnect parts from the process, which learns the reason.
func (p *AttachPeer) Disconnect(reason string) {
	if b, err := ring.AppendMessage(nil, ring.Parting{Closed: reason}); err == nil {
		_ = p.conn.SetWriteDeadline(time.Now().Add(attachPatience))
		_, _ = p.conn.Write(b)
	}
	_ = p.conn.Close()
}
