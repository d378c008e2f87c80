package ipc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/hftrunner/hftrunner/hft"
	"github.com/hftrunner/hftrunner/internal/ring"
)

// dialTimeout is how long Dial waits for the host unless DialConfig says otherwise.
const dialTimeout = 10 * time.Second

// DialConfig says how Dial attaches. The zero value is the usual way.
type DialConfig struct {
	// Wait is how the bot waits for the next event. The default is WaitAdaptive.
	Wait WaitStrategy
	// KeepOrders leaves the bot's open orders at the venue when the channel is closed or the process ends, for the
	// next process that attaches under the same bot id. By default the host cancels them.
	KeepOrders bool
	// Timeout is how long Dial waits for the host's answer; 0 is 10 s.
	Timeout time.Duration
}

// Dial attaches this process to a running host by its attach socket, <state_dir>/attach.sock, and returns the bot's
// channel for these instruments. The bot trades under botID, which is not 0: a process that attaches again under the
// id of an earlier one gets its open orders and position back as long as the host runs. Instruments need not be
// configured at the host, but where it knows one already, tick and lot size have to be its own.
//
// The channel holds the socket open; closing the channel, or the end of the process, disconnects the bot. When the
// host is gone or has disconnected the bot, waiting and sending return hft.ErrPeerGone.
//
// Errors unwrap to a *hft.BuildError for what cannot be built: ConnectorNotFound, Duplicate for a bot id that is
// connected and for an instrument given twice, InvalidArgument for a tick or lot size that is not the host's. A
// refusal is a *RefusedError. Others come from the socket.
func Dial(socketPath string, botID uint64, instruments []Instrument, config DialConfig) (Channel, error) {
	if config.Timeout <= 0 {
		config.Timeout = dialTimeout
	}
	r, err := requestOf(botID, instruments, &config)
	if err != nil {
		return nil, fmt.Errorf("ipc: attach to %s: %w", socketPath, err)
	}
	conn, err := net.DialTimeout("unix", socketPath, config.Timeout)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil,
			fmt.Errorf("ipc: attach to %s: no host runs there: start it, or name the attach.sock in its state_dir: %w",
				socketPath, err)
	} else if err != nil {
		return nil, fmt.Errorf("ipc: attach: %w", err)
	}
	c, err := attachOver(conn.(*net.UnixConn), r, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ipc: attach to %s: %w", socketPath, err), conn.Close())
	}
	return c, nil
}

// requestOf returns what to ask the host for.
func requestOf(botID uint64, instruments []Instrument, config *DialConfig) (*ring.AttachRequest, error) {
	r := &ring.AttachRequest{Version: ring.AttachVersion, BotID: botID, Wait: config.Wait.String(),
		OnExit: ring.OnExitCancel}
	if config.KeepOrders {
		r.OnExit = ring.OnExitKeep
	}
	for _, i := range instruments {
		r.Instruments = append(r.Instruments, ring.Instrument(i))
	}
	if config.Wait > WaitPark {
		return nil, &hft.BuildError{Kind: hft.InvalidArgument,
			What: fmt.Sprintf("%v: must be adaptive, spin or park", config.Wait)}
	}
	return r, r.Check()
}

// attachOver asks the host at the other end of conn.
func attachOver(conn *net.UnixConn, r *ring.AttachRequest, config DialConfig) (*sharedChannel, error) {
	if err := conn.SetDeadline(time.Now().Add(config.Timeout)); err != nil {
		return nil, err
	}
	request, err := ring.AppendMessage(nil, r)
	if err != nil {
		return nil, err
	}
	// A host that is full answers without reading and hangs up, so there may be an answer although writing fails.
	_, writeErr := conn.Write(request)
	answer, descriptors, err := readAnswer(conn)
	if err != nil {
		closeDescriptors(descriptors)
		if writeErr != nil {
			return nil, fmt.Errorf("send the request: %w", writeErr)
		}
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	a, err := decodeAnswer(answer, r, descriptors)
	if err != nil {
		closeDescriptors(descriptors)
		return nil, err
	}
	c := &sharedChannel{botID: a.BotID, wait: config.Wait}
	a.Wait = config.Wait
	if err := c.attach(a); err != nil {
		_ = c.release()
		closeDescriptors(a.descriptors()[c.taken:])
		return nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, errors.Join(err, c.release())
	}
	c.lifeline = watchHost(conn, c.control.doorbell)
	return c, nil
}

// readAnswer reads a message and the descriptors that come with its first bytes. The descriptors are the caller's, also
// when there is an error.
func readAnswer(conn *net.UnixConn) (answer []byte, descriptors []int, err error) {
	var head [4]byte
	rights := make([]byte, syscall.CmsgSpace(4*(1+2*ring.MaxConnectors)))
	n, numRights, flags, _, err := conn.ReadMsgUnix(head[:], rights)
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("the host has hung up, its log says why: %w", err)
	} else if err != nil {
		return nil, nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(rights[:numRights])
	if err != nil {
		return nil, nil, fmt.Errorf("descriptors: %w", err)
	}
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return nil, descriptors, fmt.Errorf("descriptors: %w", err)
		}
		descriptors = append(descriptors, fds...)
	}
	if flags&syscall.MSG_CTRUNC != 0 {
		return nil, descriptors, errors.New("not all descriptors arrived: raise the limit of open files (ulimit -n)")
	}
	answer, err = ring.ReadMessage(conn, head[:n])
	return answer, descriptors, err
}

func closeDescriptors(descriptors []int) {
	for _, fd := range descriptors {
		_ = syscall.Close(fd)
	}
}

// descriptors returns the descriptors of an attachment in the order in which open takes them.
func (a *Attachment) descriptors() []int {
	list := []int{a.ControlFD}
	for _, c := range a.Connectors {
		list = append(list, c.FeedFD, c.PrivateFD)
	}
	return list
}
